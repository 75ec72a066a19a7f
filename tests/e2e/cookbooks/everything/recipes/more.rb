file '/srv/everything/included' do
  content "by include_recipe in #{cookbook_name}::#{recipe_name}"
end

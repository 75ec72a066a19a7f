module Greeting
  def self.to(name) = "Greetings, #{name}"
end

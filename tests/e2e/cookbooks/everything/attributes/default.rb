default['everything']['word'] = 'from the attributes file'
default['everything']['overridden'] = 'must not win'

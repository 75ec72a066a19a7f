"""What is done to guests: each module one kind of work, as the API's calls and tasks ask for it."""

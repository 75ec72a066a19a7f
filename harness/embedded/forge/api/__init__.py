"""The REST API: thin routes by area over the services. ``routing`` says what a route asks for before it runs."""

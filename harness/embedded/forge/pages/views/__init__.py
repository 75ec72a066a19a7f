"""One module for each area of pages: from a request to the values of a template."""

"""What an operator sees of the running product: the log. Imports none of the other packages."""

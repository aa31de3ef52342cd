"""Dumps of every released schema with data, and the script that makes them."""

"""Runs, states and conflicts as JSON, Markdown and text."""

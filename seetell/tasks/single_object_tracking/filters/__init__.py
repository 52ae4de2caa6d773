"""Trackers that learn a correlation filter of the object while they follow it; numpy alone."""

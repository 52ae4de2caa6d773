"""Results drawn: where a captioner looked, as pictures and as web pages."""

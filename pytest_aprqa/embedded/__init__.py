"""The embedded model `aprqa-tiny`."""

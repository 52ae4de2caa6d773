"""What is told of photos, in their metadata: XMP in sidecars and in the photos' files, and sidecars of plain text."""

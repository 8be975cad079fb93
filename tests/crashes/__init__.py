"""What a crash leaves: power cuts, kills, stops, two processes, full disks. Judged by the book."""

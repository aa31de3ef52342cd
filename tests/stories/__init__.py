"""What people do, told over HTTP on both houses; nothing of ours is replaced but the clock."""

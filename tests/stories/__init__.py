"""What people do, told over HTTP on both environments; nothing of ours is replaced but the clock."""

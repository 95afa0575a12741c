"""What `etcsync doctor` looks at: the machine and the cluster, read and never written to."""

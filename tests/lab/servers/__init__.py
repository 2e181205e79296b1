"""Contract servers: each as strict as the service that it stands for, and able to fail like it."""

"""Who may use the service: hosts, proxies, other origins, keys, rate and load limits; security headers."""

FILE = open("/etc/hostname", encoding="utf-8")

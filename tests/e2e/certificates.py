"""Certificates for tests, made by the openssl program."""

import pathlib
import subprocess


def openssl(*words, stdin=None):
    run = subprocess.run(["openssl", *map(str, words)], input=stdin, capture_output=True,
                         timeout=180, check=False)
    if run.returncode != 0:
        raise AssertionError(f"openssl {words}: {run.stderr.decode(errors='replace')}")
    return run.stdout


class Authority:
    """A root, and what it signs."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root, self.key = self.folder / "root.pem", self.folder / "root.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.key, "-out", self.root, "-days", "30", "-subj", "/CN=Test root")

    def issue(self, folder, name, *hosts, days=30,
              key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        """`folder`/NAME.crt with its root behind it, and NAME.key; each comes there whole."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        made = self.folder / "new"
        openssl("req", "-newkey", *key, "-nodes", "-keyout", f"{made}.key", "-out", f"{made}.csr",
                "-subj", f"/CN={hosts[0]}")
        extensions = self.folder / "extensions"
        extensions.write_text("subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts) + "\n")
        leaf = openssl("x509", "-req", "-in", f"{made}.csr", "-CA", self.root, "-CAkey", self.key,
                       "-CAcreateserial", "-days", days, "-extfile", extensions)
        pathlib.Path(f"{made}.crt").write_bytes(leaf + self.root.read_bytes())
        pathlib.Path(f"{made}.key").chmod(0o600)
        for end in ("key", "crt"):
            pathlib.Path(f"{made}.{end}").rename(folder / f"{name}.{end}")
        return folder / f"{name}.crt", folder / f"{name}.key"

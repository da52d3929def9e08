"""The image of tools/image: its layout, and the server in it under crun with a read-only root."""

import array
import atexit
import functools
import gzip
import hashlib
import io
import json
import math
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import unittest

from harness import HANG_SECONDS, ROOT, THAW, wait_until

MODEL = ROOT / "tests/data/encoders/distilbert-qa"
BAKED = ("--model", f"qa={MODEL}")
SHARED = pathlib.Path(tempfile.mkdtemp(prefix="thaw-image-", dir="/var/tmp"))
atexit.register(shutil.rmtree, SHARED)
QUESTION = json.dumps({"question": "Who came?", "context": "Ada came to the port."})


def make_image(out, *options):
    return subprocess.run([ROOT / "tools/image", "--program", THAW, *options, out],
                          capture_output=True, text=True, check=False)


class Image:
    """What a layout says; every digest and size is checked on the way."""

    def __init__(self, folder):
        self.folder = folder
        assert json.loads((folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
        index = json.loads((folder / "index.json").read_text())
        self.tag = index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]
        self.manifest = json.loads(self.blob(index["manifests"][0]))
        self.config = json.loads(self.blob(self.manifest["config"]))
        self.tars = [gzip.decompress(self.blob(layer)) for layer in self.manifest["layers"]]
        diffs = ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in self.tars]
        assert diffs == self.config["rootfs"]["diff_ids"]

    def blob(self, descriptor):
        kind, _, digest = descriptor["digest"].partition(":")
        content = (self.folder / "blobs" / kind / digest).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        assert len(content) == descriptor["size"]
        return content

    def unpack(self, root):
        for layer in self.manifest["layers"]:
            digest = layer["digest"].partition(":")[2]
            with tarfile.open(self.folder / "blobs/sha256" / digest) as tar:
                tar.extractall(root)


def large_model(folder):
    """The small model with wider layers, so that its packed matrices are kept as a file."""
    shutil.copytree(MODEL, folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    wider = {32: 256, 64: 4096}
    config = json.loads((folder / "config.json").read_text())
    config.update(dim=wider[config["dim"]], hidden_dim=wider[config["hidden_dim"]])
    (folder / "config.json").write_text(json.dumps(config))
    weights = (MODEL / "model.safetensors").read_bytes()
    length = int.from_bytes(weights[:8], "little")
    header, at = json.loads(weights[8:8 + length]), 0
    for name, tensor in header.items():
        if name != "__metadata__":
            tensor["shape"] = [wider.get(size, size) for size in tensor["shape"]]
            end = at + 4 * math.prod(tensor["shape"])
            tensor["data_offsets"], at = [at, end], end
    text = json.dumps(header).encode()
    with open(folder / "model.safetensors", "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        out.write(array.array("f", [0.01, -0.02, 0.03, 0.01, 0.02] * (at // 20 + 1)).tobytes()[:at])
    (folder / "thaw.f32x16.panels").write_text("of this folder's files and times")
    return folder


class ImageTest(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="thaw-image-", dir="/var/tmp"))
        self.work.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.work)

    def image(self, *options, name):
        run = make_image(self.work / name, *options)
        self.assertEqual(run.returncode, 0, run.stderr)
        return Image(self.work / name)

    @staticmethod
    @functools.cache
    def plain():
        assert make_image(SHARED / "plain").returncode == 0
        return Image(SHARED / "plain")

    @staticmethod
    @functools.cache
    def baked():
        assert make_image(SHARED / "baked", *BAKED).returncode == 0
        return Image(SHARED / "baked")

    @staticmethod
    @functools.cache
    def packed():
        folder = large_model(SHARED / "large")
        assert make_image(SHARED / "packed", "--model", f"qa={folder}").returncode == 0
        return Image(SHARED / "packed")


class Layout(ImageTest):
    def test_the_same_inputs_make_the_same_bytes(self):
        again = self.image(*BAKED, name="again")
        diff = subprocess.run(["diff", "-r", self.baked().folder, again.folder],
                              capture_output=True, check=False)
        self.assertEqual(diff.returncode, 0, diff.stdout)

    def test_nobody_in_particular_runs_the_server_and_a_model_is_a_layer_of_its_own(self):
        plain, baked = self.plain(), self.baked()
        self.assertEqual(baked.config["config"]["User"], "65532:65532")
        self.assertEqual(plain.config["config"]["Cmd"], ["--model", "model=/model"])
        self.assertEqual(baked.config["config"]["Cmd"], ["--model", "qa=/model"])
        self.assertEqual(baked.manifest["layers"][:1], plain.manifest["layers"])
        self.assertEqual(len(baked.manifest["layers"]), 2)

    def test_a_large_models_packed_matrices_are_a_layer_of_their_own_and_always_the_same(self):
        image = self.packed()
        self.assertEqual(len(image.tars), 3)
        names = []
        for tar in image.tars[1:]:
            with tarfile.open(fileobj=io.BytesIO(tar)) as files:
                names.append([entry.name for entry in files if entry.isfile()])
        self.assertNotIn("model/thaw.f32x16.panels", names[0])
        self.assertEqual(names[1], ["model/thaw.f32x16.panels"])
        again = self.image("--model", f"qa={SHARED / 'large'}", name="again")
        self.assertEqual(again.manifest, image.manifest)

    def test_a_layout_is_replaced_and_another_folder_is_not(self):
        shutil.copytree(self.plain().folder, self.work / "out")
        replaced = self.image(*BAKED, "--tag", "v2", name="out")
        self.assertEqual(replaced.tag, "v2")
        self.assertEqual(replaced.manifest, self.baked().manifest)
        kept = self.work / "kept"
        kept.mkdir()
        (kept / "letter").write_text("dear")
        run = make_image(kept)
        self.assertEqual(run.returncode, 1)
        self.assertIn("no image layout", run.stderr)
        self.assertEqual(os.listdir(kept), ["letter"])
        self.assertEqual([name for name in os.listdir(self.work) if name.startswith(".")], [])

    def test_what_is_no_model_or_no_program_is_refused(self):
        run = make_image(self.work / "out", "--model", str(self.work))
        self.assertEqual(run.returncode, 1)
        self.assertIn("config.json", run.stderr)
        run = make_image(self.work / "out", "--program", self.work / "none")
        self.assertEqual(run.returncode, 1)
        self.assertIn("no such file", run.stderr)
        self.assertFalse((self.work / "out").exists())

    def test_the_files_alone_are_those_of_the_first_layer(self):
        with tarfile.open(fileobj=io.BytesIO(self.plain().tars[0])) as tar:
            wanted = {entry.name for entry in tar if entry.isfile()}
        self.assertEqual(make_image(self.work / "files", "--rootfs").returncode, 0)
        found = {str(path.relative_to(self.work / "files"))
                 for path in (self.work / "files").rglob("*") if path.is_file()}
        self.assertEqual(found, wanted)
        self.assertEqual(make_image(self.work / "files", "--rootfs").returncode, 1)

    def test_the_dockerfile_makes_the_same(self):
        """No builder of images is here: its instructions are read, and held to the layout's."""
        lines = (ROOT / "packaging/Dockerfile").read_text().replace("\\\n", " ").splitlines()
        steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
        last = max(at for at, (word, _) in enumerate(steps) if word == "FROM")
        self.assertEqual(steps[last][1], "scratch")
        final = dict(steps[last + 1:])
        config = self.plain().config["config"]
        self.assertEqual(final["USER"], config["User"])
        self.assertEqual(json.loads(final["ENTRYPOINT"]), config["Entrypoint"])
        self.assertEqual(json.loads(final["CMD"]), config["Cmd"])
        self.assertIn(final["ENV"], config["Env"])
        self.assertEqual([f"{final['EXPOSE']}/tcp"], list(config["ExposedPorts"]))
        built = " && ".join(rest for word, rest in steps[:last] if word == "RUN").split(" && ")
        setup, configure, build, image = map(str.split, built)
        groups = subprocess.run([ROOT / setup[0], "--list"], capture_output=True, text=True,
                                check=True).stdout.split()
        self.assertLessEqual(set(setup[1:]), set(groups))
        presets = json.loads((ROOT / "CMakePresets.json").read_text())
        for step, kind in ((configure, "configurePresets"), (build, "buildPresets")):
            self.assertEqual(step[0], "cmake")
            self.assertIn(step[step.index("--preset") + 1],
                          [preset["name"] for preset in presets[kind]])
        self.assertEqual(image[0], "tools/image")
        run = subprocess.run([ROOT / image[0], "--program", THAW, "--rootfs", self.work / "root"],
                             capture_output=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(f"--from={steps[0][1].split()[-1]} {image[-1]} /", final["COPY"])
        self.assertTrue((self.work / "root" / config["Entrypoint"][0].lstrip("/")).is_file())

    @unittest.skipUnless(shutil.which("skopeo"), "skopeo is not installed")
    def test_another_tool_reads_it(self):
        image = f"oci:{self.baked().folder}:latest"
        run = subprocess.run(["skopeo", "inspect", "--config", image],
                             capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(run.stdout)["config"]["Entrypoint"], ["/usr/bin/thaw", "serve"])


# crun does not start where both versions of cgroups are mounted: it does not see the second.
IN_OWN_MOUNTS = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                 "umount /sys/fs/cgroup/unified 2>/dev/null; exec \"$@\"", "sh"]


def runtime_config(image, more_mounts=()):
    """What an engine makes of the image: read-only root, no capability, its own network."""
    config = image.config["config"]
    uid = int(config["User"].split(":")[0])
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
              {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
              *more_mounts]
    kinds = ("pid", "mount", "ipc", "uts", "network")
    return {
        "ociVersion": "1.0.2",
        "root": {"path": "rootfs", "readonly": True},
        "process": {"user": {"uid": uid, "gid": uid}, "args": config["Entrypoint"] + config["Cmd"],
                    "env": config["Env"], "cwd": config["WorkingDir"], "noNewPrivileges": True,
                    "capabilities": {}},
        "mounts": mounts,
        "linux": {"namespaces": [{"type": kind} for kind in kinds]},
    }


def why_no_container():
    if os.geteuid() != 0:
        return "only root runs containers here"
    needed = ("crun", "nsenter", "unshare", "ip", "curl")
    missing = [name for name in needed if not shutil.which(name)]
    return f"not installed: {missing}" if missing else None


@unittest.skipIf(why_no_container(), why_no_container())
class UnderCrun(ImageTest):
    def start(self, image, mounts=()):
        image.unpack(self.work / "rootfs")
        (self.work / "config.json").write_text(json.dumps(runtime_config(image, mounts)))
        name = self.work.name
        self.crun = ["crun", "--root", str(self.work / "state"), "--cgroup-manager", "disabled"]
        self.log = open(self.work / "log", "w+b")
        self.addCleanup(self.log.close)
        run = [*IN_OWN_MOUNTS, *self.crun, "run", "--bundle", str(self.work), name]
        self.process = subprocess.Popen(run,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.addCleanup(self.end)
        pid = json.loads(wait_until("a running container", self.state))["pid"]
        self.inside = ["nsenter", "--target", str(pid), "--net"]
        subprocess.run([*self.inside, "ip", "link", "set", "lo", "up"], check=True)
        wait_until("the model", lambda: self.curl("/ready")[0] == 200)
        return pid

    def text(self):
        return (self.work / "log").read_text()

    def state(self):
        if self.process.poll() is not None:
            raise AssertionError("the container ended: " + self.text())
        run = subprocess.run([*IN_OWN_MOUNTS, *self.crun, "state", self.work.name],
                             capture_output=True, text=True, check=False)
        return run.stdout if '"running"' in run.stdout else None

    def curl(self, path, *options):
        if self.process.poll() is not None:
            raise AssertionError("the container ended: " + self.text())
        run = subprocess.run([*self.inside, "curl", "-sS", "-w", "\n%{http_code}", *options,
                              f"http://127.0.0.1:8080{path}"],
                             capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
        body, _, status = run.stdout.rpartition("\n")
        return int(status or 0), body

    def end(self):
        subprocess.run([*IN_OWN_MOUNTS, *self.crun, "kill", self.work.name, "TERM"],
                       capture_output=True, check=False)
        self.assertEqual(self.process.wait(timeout=HANG_SECONDS), 0, self.text())

    def answers(self):
        status, body = self.curl("/predict", "-d", QUESTION)
        self.assertEqual(status, 200, body)
        answer = json.loads(body)
        self.assertEqual(set(answer), {"answer", "score", "start", "end"})
        self.assertEqual("Ada came to the port."[answer["start"]:answer["end"]], answer["answer"])

    def test_a_baked_model_answers_with_a_read_only_root_and_no_rights(self):
        pid = self.start(self.baked())
        self.answers()
        status = dict(line.split(":\t", 1) for line in
                      pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                      if ":\t" in line)
        self.assertEqual(status["Uid"].split(), ["65532"] * 4)
        self.assertEqual(int(status["CapEff"], 16), 0)
        mounts = pathlib.Path(f"/proc/{pid}/mounts").read_text().splitlines()
        root = next(line.split() for line in mounts if line.split()[1] == "/")
        self.assertIn("ro", root[3].split(","))

    def test_a_large_baked_model_starts_from_its_packed_matrices(self):
        self.start(self.packed())
        self.answers()
        loaded = next(line for line in self.text().splitlines() if "model is loaded" in line)
        self.assertIn("cache_ms=", loaded)
        self.assertIn("panels=/model/thaw.f32x16.panels", loaded)

    def test_a_trained_model_mounted_read_only_answers(self):
        trained = ROOT / "examples/question-answering/model"
        self.start(self.plain(), [{"destination": "/model", "type": "bind", "source": str(trained),
                                   "options": ["bind", "ro"]}])
        right = 0
        for each in json.loads((trained / "held_out.json").read_text())[:20]:
            body = json.dumps({"context": each["context"], "question": each["question"]})
            status, text = self.curl("/predict", "-d", body)
            self.assertEqual(status, 200, text)
            right += json.loads(text)["answer"] == each["answer"]
        self.assertGreaterEqual(right, 15, "of 20 that it was not trained on")

    def test_a_mounted_model_answers(self):
        self.start(self.plain(), [{"destination": "/model", "type": "bind", "source": str(MODEL),
                                   "options": ["bind", "ro"]}])
        self.answers()


if __name__ == "__main__":
    unittest.main()

// Programs that try to break out of their instance, to read the host, or to take more than their
// share. Each prints what it got; nothing of the host may be in it.
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "io_linux/tcp_net.h"
#include "sandbox/crun_testing.h"

namespace thaw::sandbox {
namespace {

using IsolationTest = CrunTest;
using Kind = ExitReport::Kind;

/// Calls `numbered(name, number, args...)` and prints the error's name.
constexpr const char* kSyscalls = R"(
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(name, number, *args):
    ctypes.set_errno(0)
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    r = libc.syscall(ctypes.c_long(number), *args)
    print(name, 'DONE' if r >= 0 else errno.errorcode[ctypes.get_errno()])
)";

TEST_F(IsolationTest, NothingOutsideOfItsOwnFoldersCanBeWritten) {
  const Recorder r = run(
      shell("for d in / /etc /usr /usr/bin /root /home /var /var/lib /opt /srv /boot /sys /proc "
            "/proc/sys; do\n"
            "  if (: > $d/thaw-was-here) 2>/dev/null; then echo $d; fi\n"
            "  if mkdir $d/thaw-was-here-too 2>/dev/null; then echo $d; fi\n"
            "done; chmod 777 /etc 2>/dev/null && echo chmod\n"
            "for d in /tmp /var/tmp /dev/shm /run; do echo x > $d/x && rm $d/x || echo $d; done"));
  EXPECT_EQ(r.out, "");
  EXPECT_EQ(r.err, "");
}

TEST_F(IsolationTest, AMissingWorkingFolderIsNotMadeOnTheHost) {
  InstanceSpec spec = shell("true");
  spec.working_dir = "/var/lib/thaw-made-by-mistake/x";
  EXPECT_EQ(run(spec).report->kind, Kind::kNotStarted);
  EXPECT_FALSE(disk_.exists("/var/lib/thaw-made-by-mistake"));
}

TEST_F(IsolationTest, SecretsOfTheHostCannotBeOpened) {
  const std::string data = ground().data_dir;
  const Recorder r = run(shell(
      "for f in /etc/shadow /etc/shadow- /etc/gshadow /var/log /var/backups /boot /var/spool " +
      data + " " + data + "/secret " + rootfs_path(data) +
      "; do cat $f 2>/dev/null; ls -A $f/ 2>/dev/null; done; "
      "cat /proc/kcore /proc/keys /proc/timer_list /proc/kmsg 2>/dev/null | head -c 100; "
      "ls -A /run"));
  EXPECT_EQ(r.out, "");
}

TEST_F(IsolationTest, FilesOfRootsHomeCanBeRead) {
  EXPECT_EQ(run(shell("ls /root > /dev/null")).report->exit_code, 0);
}

TEST_F(IsolationTest, CapabilitiesAreTheOneOfThePolicyAndCannotGrow) {
  const Recorder r = run(shell("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status"));
  EXPECT_EQ(r.out,
            "CapInh:\t0000000000000400\nCapPrm:\t0000000000000400\nCapEff:\t0000000000000400\n"
            "CapBnd:\t0000000000000400\nCapAmb:\t0000000000000400\nNoNewPrivs:\t1\nSeccomp:\t2\n");
}

TEST_F(IsolationTest, SystemCallsThatReachTheHostAreRefused) {
  const Recorder r = run(python(std::string(kSyscalls) + R"(
call('mount', 165, b'none', b'/tmp', b'tmpfs', 0, 0)
call('umount2', 166, b'/etc/shadow', 2)
call('pivot_root', 155, b'/tmp', b'/tmp')
call('chroot', 161, b'/tmp')
call('setns', 308, 0, 0)
call('open_by_handle_at', 304, 0, 0, 0)
call('bpf', 321, 0, 0, 0)
call('keyctl', 250, 0, -3, 0)
call('add_key', 248, b'user', b'x', b'y', 1, -3)
call('perf_event_open', 298, 0, 0, 0, 0, 0)
call('init_module', 175, 0, 0, 0)
call('kexec_load', 246, 0, 0, 0, 0)
call('reboot', 169, 0, 0, 0, 0)
call('clock_settime', 227, 0, 0)
call('sethostname', 170, b'x', 1)
call('userfaultfd', 323, 0)
call('io_uring_setup', 425, 1, 0)
call('syslog', 103, 3, 0, 0)
call('swapon', 167, b'/x', 0)
call('fsopen', 430, b'tmpfs', 0)
call('open_tree', 428, -100, b'/', 1)
call('mount_setattr', 442, -100, b'/', 0, 0, 0)
call('clone3', 435, 0, 0)
call('unshare user', 272, 0x10000000)
call('unshare mount', 272, 0x20000)
call('clone user', 56, 0x10000000 | 17, 0, 0, 0, 0)
call('never heard of', 9999)
)"));
  EXPECT_EQ(r.err, "");
  EXPECT_EQ(r.out,
            "mount EPERM\numount2 EPERM\npivot_root EPERM\nchroot EPERM\nsetns EPERM\n"
            "open_by_handle_at EPERM\nbpf EPERM\nkeyctl EPERM\nadd_key EPERM\n"
            "perf_event_open EPERM\ninit_module EPERM\nkexec_load EPERM\nreboot EPERM\n"
            "clock_settime EPERM\nsethostname EPERM\nuserfaultfd EPERM\nio_uring_setup EPERM\n"
            "syslog EPERM\nswapon EPERM\nfsopen EPERM\nopen_tree EPERM\nmount_setattr EPERM\n"
            "clone3 ENOSYS\nunshare user ENOSYS\nunshare mount ENOSYS\nclone user ENOSYS\n"
            "never heard of ENOSYS\n");
}

TEST_F(IsolationTest, OnlySocketsOfTheUsualFamiliesCanBeMade) {
  const Recorder r = run(python(R"(
import socket
for name, family in [('unix', 1), ('inet', 2), ('inet6', 10), ('netlink', 16),
                     ('packet', 17), ('alg', 38), ('vsock', 40), ('xdp', 44)]:
    try:
        socket.socket(family, socket.SOCK_RAW if family == 16 else socket.SOCK_STREAM); print(name)
    except OSError: pass
)"));
  EXPECT_EQ(r.out, "unix\ninet\ninet6\nnetlink\n");
}

TEST_F(IsolationTest, KernelSwitchesAndDevicesAreOutOfReach) {
  const Recorder r = run(python(R"(
import os
for path in ['/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname',
             '/proc/sys/vm/overcommit_memory', '/proc/sys/net/ipv4/ip_forward',
             '/proc/irq/default_smp_affinity', '/sys/kernel/uevent_helper',
             '/sys/power/state', '/sys/fs/cgroup/release_agent']:
    try: os.close(os.open(path, os.O_WRONLY)); print('wrote', path)
    except OSError: pass
try: os.write(os.open('/proc/self/oom_score_adj', os.O_WRONLY), b'-900'); print('oom score')
except OSError: pass
for make in [lambda: os.mknod('/tmp/disk', 0o60600, os.makedev(254, 0)),
             lambda: os.mknod('/dev/mem2', 0o20600, os.makedev(1, 1))]:
    try: make(); print('device made')
    except OSError: pass
print(sorted(os.listdir('/dev')))
print(os.listdir('/sys/fs/cgroup'))
)"));
  EXPECT_EQ(r.err, "");
  EXPECT_EQ(r.out,
            "['core', 'fd', 'full', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr', 'stdin', "
            "'stdout', 'tty', 'urandom', 'zero']\n[]\n");
}

TEST_F(IsolationTest, ItSeesOnlyItsOwnProcessesNameAndDescriptors) {
  InstanceSpec spec = python(R"(
import os, socket
print([p for p in os.listdir('/proc') if p.isdigit()], socket.gethostname())
print({line.split(':')[2] for line in open('/proc/self/cgroup').read().splitlines()})
print(sorted(os.listdir('/proc/self/fd')))
print(open('/proc/1/environ').read().split('\0'))
)");
  spec.env = {"PATH=/usr/bin:/bin", "HOME=/"};
  const Recorder r = run(spec);
  // Where crun does not put it into a group, as in the emptied cgroup2, it is where we are.
  EXPECT_EQ(r.out,
            "['1'] localhost\n{'/'}\n['0', '1', '2', '3']\n"
            "['PATH=/usr/bin:/bin', 'HOME=/', '']\n");
}

TEST_F(IsolationTest, KillingEverythingKillsOnlyItself) {
  Recorder other;
  const auto neighbour = start(shell("echo up; sleep 1000"), other);
  run_until(loop_, [&] { return other.out == "up\n"; });
  run(shell("sleep 1000 & kill -9 -1; kill -9 1; exit 5"));
  loop_.turn(milliseconds(5));
  EXPECT_FALSE(other.report.has_value());
}

TEST_F(IsolationTest, AForkBombStopsAtTheLimitOfProcesses) {
  InstanceSpec spec = python(R"(
import os, time
n = 0
try:
    while True:
        if os.fork() == 0: time.sleep(1000)
        n += 1
except BlockingIOError: print('refused after', n)
)");
  spec.pids = 32;
  const Recorder r = run(spec);
  EXPECT_EQ(r.out, "refused after 31\n");
}

TEST_F(IsolationTest, CpuTimeStaysWithinTheQuota) {
  InstanceSpec spec = python(R"(
import time
end = time.monotonic() + 1
while time.monotonic() < end: pass
)");
  spec.cpu_millis = 200;
  const Recorder r = run(spec);
  // A second of wall time at a fifth of a core, with slack for the periods at both ends; on a busy
  // machine it gets less.
  EXPECT_GT(r.report->cpu, Duration(0));
  EXPECT_LT(r.report->cpu, milliseconds(600));
}

TEST_F(IsolationTest, OpenFilesAreBounded) {
  const int64_t most = ground().machine.open_files;
  const int64_t expected = most > 0 ? std::min<int64_t>(most, 25000) : 25000;
  EXPECT_EQ(run(shell("ulimit -n; ulimit -Hn; ulimit -c")).out,
            fmt::format("{}\n{}\n0\n", expected, expected));
}

TEST_F(IsolationTest, OnlyLoopbackIsThereAndNothingOutsideIsReached) {
  // On the host: a TCP port, and a socket with an abstract name.
  io_linux::TcpNet net(loop_);
  const auto listener = net.listen({.ip = "0.0.0.0", .port = 0}, [](auto) { FAIL() << "reached"; });
  ASSERT_TRUE(listener);
  const int abstract = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{.sun_family = AF_UNIX};
  std::strcpy(name.sun_path + 1, "thaw-isolation-test");
  ASSERT_EQ(::bind(abstract, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  ASSERT_EQ(::listen(abstract, 1), 0);
  const Recorder r = run(python(fmt::format(R"(
import socket, os
print([l.split(':')[0].strip() for l in open('/proc/net/dev').readlines()[2:]])
def attempt(what, family, address):
    s = socket.socket(family); s.settimeout(1)
    try: s.connect(address); print(what, 'CONNECTED')
    except OSError as e: print(what, type(e).__name__)
attempt('host port', socket.AF_INET, ('127.0.0.1', {0}))
attempt('internet', socket.AF_INET, ('8.8.8.8', 53))
attempt('metadata', socket.AF_INET, ('169.254.169.254', 80))
attempt('abstract', socket.AF_UNIX, '\0thaw-isolation-test' + '\0' * (107 - 19))
)",
                                            (*listener)->address().port)));
  ::close(abstract);
  // The metadata server's address is its own; without a platform nobody listens there.
  EXPECT_EQ(r.out,
            "['lo']\nhost port ConnectionRefusedError\ninternet OSError\n"
            "metadata ConnectionRefusedError\n"
            "abstract ConnectionRefusedError\n");
}

/// Asks `where` for a line over TCP.
std::string ask(io_linux::EpollLoop& loop, const io::SocketAddress& where) {
  io_linux::TcpNet net(loop);
  std::unique_ptr<io_linux::Collector> answer;
  std::string error;
  const auto connecting = net.connect(where, [&](auto stream) {
    if (!stream) {
      error = stream.error().message();
      return;
    }
    answer = std::make_unique<io_linux::Collector>(*std::move(stream));
  });
  run_until(loop, [&] { return !error.empty() || (answer != nullptr && answer->ended); });
  return error.empty() ? answer->text : error;
}

TEST_F(IsolationTest, EveryInstanceHasThePortToItself) {
  // A port that nobody on the host listens on.
  io_linux::TcpNet net(loop_);
  const uint16_t port = (*net.listen({.ip = "127.0.0.1"}, [](auto) {}))->address().port;
  const auto server = [port](const std::string& text) {
    InstanceSpec spec = python(fmt::format(R"(
import socket
s = socket.create_server(('', {})); print('up', flush=True)
while True:
    c, _ = s.accept(); c.sendall(b'{}'); c.close()
)",
                                           port, text));
    spec.port = port;
    return spec;
  };
  Recorder a, b;
  const auto first = start(server("first"), a);
  const auto second = start(server("second"), b);
  run_until(loop_, [&] { return a.out == "up\n" && b.out == "up\n"; });
  EXPECT_EQ(ask(loop_, first->address()), "first");
  EXPECT_EQ(ask(loop_, second->address()), "second");
  const std::string outside = ask(loop_, {.ip = "127.0.0.1", .port = port});
  EXPECT_NE(outside.find("refused"), std::string::npos) << outside;
}

TEST_F(IsolationTest, APortBelow1024MayBeTaken) {
  EXPECT_EQ(run(python("import socket; socket.create_server(('', 80)); print('ok')")).out, "ok\n");
}

TEST_F(IsolationTest, WhatALeaderLeavesBehindDiesWithIt) {
  const Recorder r = run(shell("(setsid sleep 1000 &) ; echo done"));
  EXPECT_EQ(r.out, "done\n");
  EXPECT_EQ(r.report->kind, Kind::kExited);
}

TEST_F(IsolationTest, NamesThatLookLikePathsStayNames) {
  InstanceSpec spec = shell("echo ok");
  spec.revision = RevisionId("../../../etc/x y");
  EXPECT_EQ(run(spec).out, "ok\n");
  spec.revision = RevisionId(std::string(5000, 'r'));
  EXPECT_EQ(run(spec).out, "ok\n");
}

TEST_F(IsolationTest, ArgumentsThatAreTooLongAreAFailedStart) {
  const Recorder r = run(spec_for({"/bin/echo", std::string(1 << 20, 'x')}));
  EXPECT_EQ(r.report->kind, Kind::kNotStarted);
  EXPECT_EQ(r.report->detail, "exec /bin/echo: Argument list too long");
  EXPECT_EQ(r.err, "");
}

}  // namespace
}  // namespace thaw::sandbox

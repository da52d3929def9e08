#include "sandbox/bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "sandbox/python_template.h"
#include "sandbox/seccomp.h"

namespace thaw::sandbox {
namespace {

constexpr int64_t kMaxOpenFiles = 25'000;  // the contract's hard limit
constexpr int kOomScore = 500;             // under global pressure an instance goes before us

/// The only one: a port below 1024 may be the service's. Everything else that a container is
/// usually given (DAC_OVERRIDE, SETUID, CHOWN, ...) would open files of the host's other users.
constexpr const char* kCapability = "CAP_NET_BIND_SERVICE";

constexpr const char* kMaskedPaths[] = {"/proc/acpi",
                                        "/proc/asound",
                                        "/proc/interrupts",
                                        "/proc/kcore",
                                        "/proc/keys",
                                        "/proc/kmsg",
                                        "/proc/latency_stats",
                                        "/proc/sched_debug",
                                        "/proc/scsi",
                                        "/proc/timer_list",
                                        "/proc/timer_stats",
                                        "/sys/firmware",
                                        "/sys/devices/virtual/powercap",
                                        "/sys/kernel/security"};
constexpr const char* kReadonlyPaths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                          "/proc/sysrq-trigger"};

Json strings(const auto& values) {
  Json list = Json::array();
  for (const auto& value : values) list.push_back(Json(value));
  return list;
}

Json mount(const char* type, const char* where, std::initializer_list<std::string> options) {
  return Json::object(
      {{"destination", where}, {"type", type}, {"source", type}, {"options", strings(options)}});
}

bool runs_own_program(const InstanceSpec& spec, const BundleOptions& options) {
  return !options.own_program.empty() && !spec.argv.empty() && spec.argv[0] == options.own_program;
}

Json mounts(const InstanceSpec& spec, const BundleOptions& options) {
  // Pages in these are charged to the instance; the size only keeps the error message (ENOSPC)
  // nearer than an out-of-memory kill.
  const std::string size = fmt::format("size={}", spec.memory.value);
  Json list = Json::array();
  list.push_back(mount("proc", "/proc", {"nosuid", "nodev", "noexec"}));
  list.push_back(
      mount("tmpfs", "/dev", {"nosuid", "noexec", "strictatime", "mode=755", "size=64k"}));
  list.push_back(mount("devpts", "/dev/pts",
                       {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}));
  list.push_back(mount("tmpfs", "/dev/shm", {"nosuid", "nodev", "noexec", "mode=1777", size}));
  list.push_back(mount("sysfs", "/sys", {"nosuid", "nodev", "noexec", "ro"}));
  if (options.cgroup_v2) {
    list.push_back(mount("cgroup", "/sys/fs/cgroup", {"nosuid", "nodev", "noexec", "ro"}));
  }
  list.push_back(mount("tmpfs", "/tmp", {"nosuid", "nodev", "mode=1777", size}));
  if (options.var_tmp)
    list.push_back(mount("tmpfs", "/var/tmp", {"nosuid", "nodev", "mode=1777", size}));
  // The host's own /run holds the sockets of its daemons, which trust uid 0.
  list.push_back(mount("tmpfs", "/run", {"nosuid", "nodev", "noexec", "mode=755", size}));
  // Programs are executed and pages of code are mapped from these.
  const auto bind = [&list](const std::string& source, const char* where, const char* how) {
    if (source.empty()) return;
    Json file = mount("bind", where, {"bind", how, "nosuid", "nodev"});
    file.set("source", source);
    list.push_back(std::move(file));
  };
  if (runs_own_program(spec, options)) bind(options.own_program, kProgramPath, "ro");
  bind(options.python_folder, kTemplateFolder, "ro");
  bind(options.preload, kPreload, "ro");
  bind(options.snapshot, kSnapshot, options.writes_snapshot ? "rw" : "ro");
  for (const OwnFile& file : options.files)
    bind(file.source, file.target, file.use == OwnFile::Use::kWrite ? "rw" : "ro");
  for (const Bind& folder : spec.binds) bind(folder.source, folder.target.c_str(), "rw");
  return list;
}

Json capabilities() {
  Json all = Json::object();
  for (const char* set : {"bounding", "effective", "permitted", "inheritable", "ambient"}) {
    all.set(set, strings(std::initializer_list<const char*>{kCapability}));
  }
  return all;
}

Json rlimit(const char* name, int64_t value) {
  return Json::object({{"type", name}, {"hard", value}, {"soft", value}});
}

Json process(const InstanceSpec& spec, const BundleOptions& options) {
  Json rlimits = Json::array();
  std::vector<std::string> argv = spec.argv;
  if (runs_own_program(spec, options)) argv[0] = kProgramPath;
  const int64_t most = options.open_files > 0 ? options.open_files : kMaxOpenFiles;
  rlimits.push_back(rlimit("RLIMIT_NOFILE", std::min(kMaxOpenFiles, most)));
  rlimits.push_back(rlimit("RLIMIT_CORE", 0));
  if (options.file_limit > 0) rlimits.push_back(rlimit("RLIMIT_FSIZE", options.file_limit));
  return Json::object(
      {{"terminal", false},
       {"user", Json::object({{"uid", options.uid}, {"gid", options.gid}, {"umask", 022}})},
       {"args", strings(argv)},
       {"env", strings(spec.env)},
       {"cwd", spec.working_dir.empty() ? "/" : spec.working_dir},
       {"capabilities", capabilities()},
       {"rlimits", std::move(rlimits)},
       {"noNewPrivileges", true},
       {"oomScoreAdj", kOomScore}});
}

Json resources(const InstanceSpec& spec, const BundleOptions& options) {
  Json memory = Json::object({{"limit", spec.memory.value}});
  if (options.swap_limit) memory.set("swap", spec.memory.value);  // memory and swap together
  const int64_t weight = options.background ? 1024 / 8 : 1024;
  const int64_t shares = std::max<int64_t>(2, int64_t{spec.cpu_millis} * weight / 1000);
  Json cpu = Json::object({{"quota", cpu_quota_us(std::max(spec.cpu_millis, spec.boost_millis))},
                           {"period", kCpuPeriodUs},
                           {"shares", shares}});
  Json no_devices = Json::object({{"allow", false}, {"access", "rwm"}});
  return Json::object({{"devices", Json(Json::Array{std::move(no_devices)})},
                       {"memory", std::move(memory)},
                       {"cpu", std::move(cpu)},
                       {"pids", Json::object({{"limit", spec.pids}})}});
}

Json namespaces() {
  Json list = Json::array();
  for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) {
    list.push_back(Json::object({{"type", type}}));
  }
  return list;
}

}  // namespace

Json make_bundle(const InstanceSpec& spec, const BundleOptions& options) {
  Json on_linux = Json::object({{"cgroupsPath", options.cgroups_path},
                                {"resources", resources(spec, options)},
                                {"namespaces", namespaces()},
                                {"maskedPaths", strings(kMaskedPaths)},
                                {"readonlyPaths", strings(kReadonlyPaths)},
                                {"rootfsPropagation", "private"},
                                {"seccomp", default_seccomp_profile()}});
  return Json::object({{"ociVersion", "1.0.2"},
                       {"process", process(spec, options)},
                       {"root", Json::object({{"path", options.rootfs}, {"readonly", true}})},
                       {"hostname", "localhost"},
                       {"mounts", mounts(spec, options)},
                       {"linux", std::move(on_linux)}});
}

}  // namespace thaw::sandbox

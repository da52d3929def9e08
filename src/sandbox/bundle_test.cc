#include "sandbox/bundle.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "sandbox/seccomp.h"

namespace thaw::sandbox {
namespace {

InstanceSpec some_spec() {
  InstanceSpec spec;
  spec.argv = {"/app", "--port", "8080"};
  spec.env = {"PORT=8080", "QUOTE=\"x\"\n"};
  spec.working_dir = "/srv";
  spec.cpu_millis = 1500;
  spec.memory = mib(512);
  spec.pids = 64;
  return spec;
}

const Json& mount_at(const Json& bundle, const std::string& where) {
  static const Json kNone;
  for (const Json& mount : bundle["mounts"].as_array()) {
    if (mount["destination"].as_string() == where) return mount;
  }
  return kNone;
}

bool has_option(const Json& mount, const std::string& option) {
  if (mount.is_null()) return false;
  for (const Json& value : mount["options"].as_array()) {
    if (value.as_string() == option) return true;
  }
  return false;
}

TEST(Bundle, RunsTheCommandOfTheSpecAsItIs) {
  const Json bundle = make_bundle(some_spec(), {.rootfs = "/r", .cgroups_path = "/p/n"});
  const Json& process = bundle["process"];
  EXPECT_EQ(process["args"].dump(), R"(["/app","--port","8080"])");
  EXPECT_EQ(process["env"].dump(), R"(["PORT=8080","QUOTE=\"x\"\n"])");
  EXPECT_EQ(process["cwd"].as_string(), "/srv");
  EXPECT_TRUE(process["noNewPrivileges"].as_bool());
  EXPECT_EQ(bundle["root"].dump(), R"({"path":"/r","readonly":true})");
  EXPECT_EQ(bundle["linux"]["cgroupsPath"].as_string(), "/p/n");
  EXPECT_EQ(make_bundle({}, {})["process"]["cwd"].as_string(), "/");
}

TEST(Bundle, LimitsAreThoseOfTheSpec) {
  struct Row {
    int cpu_millis;
    bool swap;
    const char* expected;
  };
  for (const Row& row : {
           Row{1000, true,
               R"({"memory":{"limit":536870912,"swap":536870912},)"
               R"("cpu":{"quota":100000,"period":100000,"shares":1024},"pids":{"limit":64}})"},
           Row{80, false,
               R"({"memory":{"limit":536870912},)"
               R"("cpu":{"quota":8000,"period":100000,"shares":81},"pids":{"limit":64}})"},
           Row{8000, false,
               R"({"memory":{"limit":536870912},)"
               R"("cpu":{"quota":800000,"period":100000,"shares":8192},"pids":{"limit":64}})"},
           Row{1, false,
               R"({"memory":{"limit":536870912},)"
               R"("cpu":{"quota":1000,"period":100000,"shares":2},"pids":{"limit":64}})"},
       }) {
    InstanceSpec spec = some_spec();
    spec.cpu_millis = row.cpu_millis;
    Json resources = make_bundle(spec, {.swap_limit = row.swap})["linux"]["resources"];
    std::erase_if(resources.as_object(), [](const auto& m) { return m.first == "devices"; });
    EXPECT_EQ(resources.dump(), row.expected);
  }
}

TEST(Bundle, OpenFilesAreThoseOfTheContractOrOfTheMachine) {
  const auto limit = [](int64_t machine) {
    return make_bundle(some_spec(), {.open_files = machine})["process"]["rlimits"]
        .as_array()[0]["hard"]
        .as_int();
  };
  EXPECT_EQ(limit(0), 25000);
  EXPECT_EQ(limit(20000), 20000);
  EXPECT_EQ(limit(1 << 20), 25000);
}

TEST(Bundle, WritableFoldersAreInMemoryAndWithoutSetUidOrDevices) {
  const Json bundle = make_bundle(some_spec(), {});
  for (const char* where : {"/tmp", "/var/tmp", "/dev/shm", "/run"}) {
    const Json& mount = mount_at(bundle, where);
    EXPECT_EQ(mount.string_or("type"), "tmpfs") << where;
    EXPECT_TRUE(has_option(mount, "nosuid") && has_option(mount, "nodev")) << where;
    EXPECT_TRUE(has_option(mount, "size=536870912")) << where;
  }
  EXPECT_TRUE(mount_at(make_bundle(some_spec(), {.var_tmp = false}), "/var/tmp").is_null());
}

TEST(Bundle, AnInstanceSeesItsLimitsOnlyWhereTheyAreItsOwn) {
  EXPECT_TRUE(mount_at(make_bundle(some_spec(), {}), "/sys/fs/cgroup").is_null());
  const Json v2 = make_bundle(some_spec(), {.cgroup_v2 = true});
  EXPECT_TRUE(has_option(mount_at(v2, "/sys/fs/cgroup"), "ro"));
}

TEST(Bundle, EveryNamespaceIsItsOwn) {
  std::set<std::string> types;
  const Json bundle = make_bundle(some_spec(), {});
  for (const Json& space : bundle["linux"]["namespaces"].as_array()) {
    types.insert(space["type"].as_string());
    EXPECT_EQ(space.find("path"), nullptr);
  }
  EXPECT_EQ(types, (std::set<std::string>{"cgroup", "ipc", "mount", "network", "pid", "uts"}));
}

TEST(Seccomp, ANameIsAllowedOrRefusedNotBoth) {
  std::set<std::string> seen;
  const Json profile = default_seccomp_profile();
  for (const Json& rule : profile["syscalls"].as_array()) {
    if (rule.find("args") != nullptr) continue;  // socket and personality have several rules
    for (const Json& name : rule["names"].as_array()) {
      EXPECT_TRUE(seen.insert(name.as_string()).second) << name.as_string();
    }
  }
  for (const char* name : {"clone", "unshare", "socket", "personality"}) {
    EXPECT_FALSE(seen.contains(name)) << name << " would lose the look at its arguments";
  }
  EXPECT_GT(seen.size(), 300U);
}

TEST(Bundle, ThawsOwnProgramIsThereWhereverItLiesOnTheHost) {
  InstanceSpec spec = some_spec();
  spec.argv = {"/tmp/build/thaw", "serve"};
  const Json bundle = make_bundle(spec, {.own_program = "/tmp/build/thaw"});
  EXPECT_EQ(bundle["process"]["args"].as_array()[0].as_string(), kProgramPath);
  EXPECT_EQ(mount_at(bundle, kProgramPath)["source"].as_string(), "/tmp/build/thaw");
  spec.argv[0] = "/usr/bin/python3";
  const Json other = make_bundle(spec, {.own_program = "/tmp/build/thaw"});
  EXPECT_EQ(other["process"]["args"].as_array()[0].as_string(), "/usr/bin/python3");
  EXPECT_TRUE(mount_at(other, kProgramPath).is_null());
}

TEST(Bundle, AFolderMayBeBoundOverWhatInstancesSeeOtherwise) {
  InstanceSpec spec = some_spec();
  spec.binds = {{.source = "/scratch/view", .target = "/tmp/app"}};
  const Json bundle = make_bundle(spec, {});
  const Json& last = bundle["mounts"].as_array().back();
  EXPECT_EQ(last["destination"].as_string(), "/tmp/app") << "after /tmp's own, which it lies in";
  EXPECT_EQ(last["source"].as_string(), "/scratch/view");
}

}  // namespace
}  // namespace thaw::sandbox

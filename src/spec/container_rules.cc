#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/nearest.h"
#include "spec/names.h"
#include "spec/rules.h"
#include "spec/settings.h"

namespace thaw::spec {
namespace {

constexpr std::string_view kPath = "spec.template.spec.containers[0]";
constexpr std::string_view kTasks[] = {
    "forecast",           "question-answering", "text-classification", "token-classification",
    "feature-extraction", "fill-mask"};  // of `thaw serve --task`

/// Contract 1.3: what memory goes with how many vCPUs.
struct CpuRow {
  int64_t most_millis;  // the row holds up to here
  ByteCount least;
  ByteCount most;
};
constexpr CpuRow kCpuRows[] = {{499, mib(128), mib(512)}, {999, mib(128), gib(1)},
                               {1000, mib(128), gib(4)},  {2000, mib(128), gib(8)},
                               {4000, gib(2), gib(16)},   {6000, gib(4), gib(24)},
                               {8000, gib(4), gib(32)}};

constexpr int64_t kLeastMillis = 80;

bool is_allowed(Cpu cpu) {
  if (cpu.millis < 1000) return cpu.millis >= kLeastMillis;
  return cpu.millis % 1000 == 0 && (cpu.millis == 1000 || cpu.millis % 2000 == 0) &&
         cpu.millis <= 8000;
}

class ContainerRules {
 public:
  ContainerRules(const Container& container, const RevisionTemplate& revision,
                 std::string_view launch_stage, const Node& root, Report& report)
      : container_(container),
        revision_(revision),
        launch_stage_(launch_stage),
        root_(root),
        report_(report) {}

  void check() {
    image();
    environment();
    port();
    if (!container_.working_dir.empty() && container_.working_dir[0] != '/') {
      fault("workingDir", fmt::format("{} is no absolute path", quoted(container_.working_dir)));
    }
    resources();
    probe("startupProbe", container_.startup_probe);
    probe("livenessProbe", container_.liveness_probe);
    probe("readinessProbe", container_.readiness_probe);
  }

 private:
  void fault(std::string_view field, std::string description) {
    add_fault(report_, root_, fmt::format("{}.{}", kPath, field), std::move(description));
  }

  void image() {
    constexpr std::string_view kAdvice =
        "use thaw.local/host to run a command of this machine, or thaw.local/serve for the native "
        "model server";
    const std::string& image = container_.image;
    if (image.empty()) return fault("image", fmt::format("is missing; {}", kAdvice));
    if (image == kHostImage) {
      if (container_.command.empty()) {
        fault("command",
              "is missing: thaw.local/host needs the program to run, such as "
              "[\"python3\", \"app.py\"]");
      } else if (container_.command.front().empty()) {
        fault("command[0]", "is empty; it names the program to run");
      }
      return;
    }
    if (image == kServeImage) return serve();
    static constexpr std::array<std::string_view, 2> kImages = {kHostImage, kServeImage};
    if (const auto near = nearest(image, kImages)) {
      return fault("image", fmt::format("{} is unknown; did you mean '{}'?", quoted(image), *near));
    }
    fault("image", fmt::format("{} is a container image, which is not supported yet: {}",
                               quoted(image), kAdvice));
  }

  void serve() {
    if (!container_.command.empty()) {
      fault("command",
            "is refused: thaw.local/serve brings its own program; give it args, such as "
            "[\"--task\", \"forecast\"]");
    }
    bool has_model = false, has_task = false;
    for (size_t i = 0; i < container_.args.size(); ++i) {
      const std::string_view arg = container_.args[i];
      const bool is_last = i + 1 == container_.args.size();
      has_model |= (arg == "--model" && !is_last) || arg.starts_with("--model=");
      constexpr std::string_view kTask = "--task=";
      if (arg == "--task" && !is_last) {
        has_task = task(i + 1, container_.args[i + 1]);
      } else if (arg.starts_with(kTask)) {
        has_task = task(i, arg.substr(kTask.size()));
      }
    }
    if (has_model || has_task) return;
    fault("args",
          "does not say what to serve: thaw.local/serve needs [\"--model\", \"/folder\"] or "
          "[\"--task\", \"forecast\"]");
  }

  /// Whether the argument names a task, right or wrong.
  bool task(size_t index, std::string_view name) {
    if (std::find(std::begin(kTasks), std::end(kTasks), name) == std::end(kTasks)) {
      fault(fmt::format("args[{}]", index), fmt::format("the task {} is unknown; there are {}",
                                                        quoted(name), fmt::join(kTasks, ", ")));
    }
    return true;
  }

  void environment() {
    std::set<std::string_view> seen;
    for (size_t i = 0; i < container_.env.size(); ++i) {
      const std::string& name = container_.env[i].name;
      const std::string field = fmt::format("env[{}].name", i);
      if (const NameFault why = env_name_fault(name)) {
        fault(field, fmt::format("{} {}", quoted(name), *why));
      } else if (!seen.insert(name).second) {
        fault(field, fmt::format("{} is given twice; a variable has one value", quoted(name)));
      }
    }
  }

  void port() {
    if (container_.ports.size() > 1) {
      return fault("ports", fmt::format("has {} ports; an instance listens on one",
                                        container_.ports.size()));
    }
    const Node* name = given("ports[0].name");
    const bool is_known =
        !name || name->text.empty() || name->text == "http1" || name->text == "h2c";
    if (!is_known) {
      fault("ports[0].name", fmt::format("{} is neither http1 nor h2c", quoted(name->text)));
    }
    if (const Node* protocol = given("ports[0].protocol"); protocol && protocol->text != "TCP") {
      fault("ports[0].protocol", fmt::format("{} is not TCP", quoted(protocol->text)));
    }
  }

  const Node* given(std::string_view field) const {
    return find_at(root_, fmt::format("{}.{}", kPath, field));
  }

  /// The value as the file has it, or the default that stands for it.
  std::string shown(std::string_view field, std::string fallback) const {
    const Node* node = given(field);
    return node ? quoted(node->text) : fmt::format("the default {}", fallback);
  }

  void resources() {
    if (report_.covers(fmt::format("{}.resources", kPath))) return;
    const Cpu cpu = *container_.resources.cpu;
    if (!is_allowed(cpu)) {
      return fault("resources.limits.cpu",
                   fmt::format("{} is not offered; choose 80m to 999m, 1, 2, 4, 6 or 8",
                               shown("resources.limits.cpu", cpu_quantity(cpu))));
    }
    memory(cpu);
    if (cpu.millis < 1000) below_one_cpu(cpu);
    const Resources& sizes = container_.resources;
    if (sizes.requested_cpu.value_or(Cpu{}) > cpu) {
      fault("resources.requests.cpu", "is more than limits.cpu");
    }
    if (sizes.requested_memory.value_or(ByteCount{}) > *sizes.memory) {
      fault("resources.requests.memory", "is more than limits.memory");
    }
  }

  void memory(Cpu cpu) {
    constexpr std::string_view kField = "resources.limits.memory";
    const ByteCount memory = *container_.resources.memory;
    const CpuRow* row = std::find_if(std::begin(kCpuRows), std::end(kCpuRows),
                                     [&](const CpuRow& r) { return cpu.millis <= r.most_millis; });
    const bool is_gen2 = revision_.execution_environment == ExecutionEnvironment::kGen2;
    const ByteCount least = is_gen2 ? std::max(row->least, mib(512)) : row->least;
    if (memory < least) {
      fault(kField, fmt::format("{} is too little; at least {} with {} CPU{}",
                                shown(kField, memory_quantity(memory)), memory_quantity(least),
                                cpu_quantity(cpu), is_gen2 ? " and gen2" : ""));
    } else if (memory > row->most) {
      fault(kField, fmt::format("{} is too much; at most {} with {} CPU",
                                shown(kField, memory_quantity(memory)), memory_quantity(row->most),
                                cpu_quantity(cpu)));
    }
  }

  void below_one_cpu(Cpu cpu) {
    const int32_t concurrency = *revision_.spec.container_concurrency;
    if (concurrency != 1) {
      add_fault(
          report_, root_, "spec.template.spec.containerConcurrency",
          fmt::format("{} is too much; it must be 1 with {} CPU", concurrency, cpu_quantity(cpu)));
    }
    const auto note = [&](std::string_view name, std::string_view why) {
      add_fault(report_, root_, fmt::format("spec.template.metadata.annotations[{}]", name),
                fmt::format("{} with {} CPU; give the instance at least one vCPU", why,
                            cpu_quantity(cpu)));
    };
    if (revision_.cpu_allocation == CpuAllocation::kInstanceBased) {
      note("run.googleapis.com/cpu-throttling", "'false' is not allowed");
    }
    if (revision_.execution_environment == ExecutionEnvironment::kGen2) {
      note("run.googleapis.com/execution-environment", "gen2 is not allowed");
    }
  }

  void probe(std::string_view name, const std::optional<Probe>& probe) {
    const Node* node = given(name);
    if (!probe || !node) return;
    const auto at = [&](std::string_view field) { return fmt::format("{}.{}", name, field); };
    const bool is_startup = name == "startupProbe";
    const int actions = (node->find("tcpSocket") ? 1 : 0) + (node->find("httpGet") ? 1 : 0) +
                        (node->find("grpc") ? 1 : 0);
    if (actions != 1) {
      fault(name, fmt::format("has {} of tcpSocket, httpGet and grpc; give exactly one", actions));
    } else if (!is_startup && probe->kind == ProbeKind::kTcp) {
      fault(at("tcpSocket"), "is for startupProbe only; use httpGet or grpc");
    }
    if (name != "readinessProbe" && *probe->success_threshold != 1) {
      fault(at("successThreshold"),
            fmt::format("{} is not allowed; only 1 is", *probe->success_threshold));
    }
    http_get(at("httpGet"), *probe);
    if (is_startup) startup_times(*probe);
    if (*probe->timeout > *probe->period) {
      const std::string field = node->find("timeoutSeconds") ? "timeoutSeconds" : "periodSeconds";
      fault(at(field), fmt::format("timeoutSeconds {} is more than periodSeconds {}",
                                   whole_seconds(*probe->timeout), whole_seconds(*probe->period)));
    }
    if (name == "readinessProbe" && launch_stage_ != "BETA" && launch_stage_ != "ALPHA") {
      fault(name,
            "is a preview; add the annotation run.googleapis.com/launch-stage: BETA to metadata");
    }
  }

  static int64_t whole_seconds(Duration value) {
    return std::chrono::duration_cast<std::chrono::seconds>(value).count();
  }

  void http_get(const std::string& path, const Probe& probe) {
    if (probe.kind != ProbeKind::kHttp) return;
    const bool printable = std::all_of(probe.http_path.begin(), probe.http_path.end(),
                                       [](char c) { return c > ' ' && c <= '~'; });
    if (probe.http_path[0] != '/' || !printable) {
      fault(path + ".path", fmt::format("{} is no path: it begins with '/' and has no blanks",
                                        quoted(probe.http_path)));
    }
    for (size_t i = 0; i < probe.http_headers.size(); ++i) {
      const HttpHeader& header = probe.http_headers[i];
      const std::string at = fmt::format("{}.httpHeaders[{}]", path, i);
      if (const NameFault why = header_name_fault(header.name)) {
        fault(at + ".name", fmt::format("{} {}", quoted(header.name), *why));
      } else if (const NameFault wrong = header_value_fault(header.value)) {
        fault(at + ".value", fmt::format("{} {}", quoted(header.value), *wrong));
      }
    }
  }

  /// Contract 1.2. The table's ranges are those of liveness probes, which are wider.
  void startup_times(const Probe& probe) {
    constexpr std::chrono::seconds kMost{600};
    if (*probe.period > kMost) return fault("startupProbe.periodSeconds", "is more than 600");
    if (*probe.timeout > kMost) return fault("startupProbe.timeoutSeconds", "is more than 600");
    const int64_t total = whole_seconds(*probe.period) * *probe.failure_threshold;
    if (total > kMost.count()) {
      fault("startupProbe.failureThreshold",
            fmt::format(
                "failureThreshold {} times periodSeconds {} is {} s; at most 600 s are allowed",
                *probe.failure_threshold, whole_seconds(*probe.period), total));
    }
  }

  const Container& container_;
  const RevisionTemplate& revision_;
  std::string_view launch_stage_;
  const Node& root_;
  Report& report_;
};

}  // namespace

void check_container(const Container& container, const RevisionTemplate& revision,
                     std::string_view launch_stage, const Node& root, Report& report) {
  ContainerRules(container, revision, launch_stage, root, report).check();
}

}  // namespace thaw::spec

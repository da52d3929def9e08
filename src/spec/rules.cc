#include "spec/rules.h"

#include <fmt/format.h>

#include <set>

#include "base/nearest.h"
#include "spec/defaults.h"
#include "spec/names.h"
#include "spec/workers.h"

namespace thaw::spec {
namespace {

constexpr std::string_view kTemplateNotes = "spec.template.metadata.annotations";

class Rules {
 public:
  Rules(const Service& service, const Node& root, Report& report)
      : service_(service), root_(root), report_(report) {}

  void check() {
    kind();
    names();
    if (!required("spec") || !required("spec.template")) return;
    strangers();
    house();
    scaling();
    containers();
    traffic_sum();
    for (size_t i = 0; i < service_.traffic.size(); ++i) target(i);
  }

 private:
  void fault(std::string_view path, std::string description) {
    add_fault(report_, root_, path, std::move(description));
  }

  /// True when something not null stands at `path`; a fault when not.
  bool required(std::string_view path) {
    const size_t dot = path.rfind('.');
    const Node& parent =
        dot == std::string_view::npos ? root_ : node_at(root_, path.substr(0, dot));
    if (parent.find(path.substr(dot + 1))) return true;
    fault(path, "is missing");
    return false;
  }

  std::string_view text_at(std::string_view name) const {
    const Node* node = root_.find(name);
    return node ? std::string_view(node->text) : std::string_view();
  }

  void kind() {
    const std::string_view version = is_pool() ? "run.googleapis.com/v1" : "serving.knative.dev/v1";
    if (required("apiVersion") && text_at("apiVersion") != version) {
      fault("apiVersion", fmt::format("{} is not {}", quoted(text_at("apiVersion")), version));
    }
    if (required("kind") && text_at("kind") != "Service" && !is_pool()) {
      fault("kind", fmt::format("{} is neither Service nor WorkerPool, which are deployed",
                                quoted(text_at("kind"))));
    }
  }

  bool is_pool() const { return service_.kind == ServiceKind::kWorkerPool; }

  std::string_view splits() const { return is_pool() ? "instanceSplits" : "traffic"; }

  /// What the other kind has.
  void strangers() {
    const auto refuse = [&](std::string_view path, std::string_view why) {
      if (find_at(root_, path) != nullptr) fault(path, std::string(why));
    };
    if (!is_pool()) return refuse("spec.instanceSplits", "is of a WorkerPool; write traffic");
    constexpr std::string_view kNone = "is refused: a WorkerPool gets no requests";
    refuse("spec.traffic", "is of a Service; write instanceSplits");
    refuse("spec.template.spec.containerConcurrency", kNone);
    refuse("spec.template.spec.timeoutSeconds", kNone);
    for (const std::string_view field :
         {"ports", "startupProbe", "livenessProbe", "readinessProbe"}) {
      refuse(fmt::format("spec.template.spec.containers[0].{}", field), kNone);
    }
  }

  void house() {
    if (const auto wrong = house_fault(service_.template_)) {
      fault(fmt::format("{}[{}]", kTemplateNotes, wrong->annotation), wrong->description);
    }
  }

  void names() {
    if (!required("metadata") || !required("metadata.name")) return;
    const std::string& name = service_.metadata.name;
    if (const NameFault why = service_name_fault(name)) {
      fault("metadata.name", fmt::format("{} {}", quoted(name), *why));
      return;
    }
    const std::string& revision = service_.template_.metadata.name;
    if (revision.empty()) return;
    if (const NameFault why = revision_name_fault(revision, name)) {
      fault("spec.template.metadata.name", fmt::format("{} {}", quoted(revision), *why));
    }
  }

  void scaling() {
    bounds(service_.scaling, "metadata.annotations", "run.googleapis.com");
    bounds(service_.template_.scaling, kTemplateNotes, "autoscaling.knative.dev");
    twice("minScale", "min-scale");
    twice("maxScale", "max-scale");
  }

  void bounds(const Scaling& scaling, std::string_view notes, std::string_view space) {
    if (!scaling.min_instances || !scaling.max_instances ||
        *scaling.min_instances <= *scaling.max_instances) {
      return;
    }
    fault(fmt::format("{}[{}/minScale]", notes, space),
          fmt::format("{} is more than maxScale, which is {}", *scaling.min_instances,
                      *scaling.max_instances));
  }

  void twice(std::string_view ours, std::string_view knatives) {
    const Node& notes = node_at(root_, kTemplateNotes);
    const std::string other = fmt::format("autoscaling.knative.dev/{}", knatives);
    if (notes.find(other) && notes.find(fmt::format("autoscaling.knative.dev/{}", ours))) {
      fault(fmt::format("{}[{}]", kTemplateNotes, other),
            fmt::format("is another spelling of {}, which is given too; keep one", ours));
    }
  }

  void containers() {
    constexpr std::string_view kPath = "spec.template.spec.containers";
    if (!required("spec.template.spec") || !required(kPath)) return;
    if (service_.template_.spec.containers.size() != 1) {
      const size_t count = service_.template_.spec.containers.size();
      return fault(kPath, count == 0 ? "is empty; a service has exactly one container"
                                     : fmt::format("has {} containers; sidecars are not supported "
                                                   "yet: keep exactly one",
                                                   count));
    }
    RevisionTemplate full = service_.template_;
    apply_defaults(full);
    const auto stage = service_.metadata.annotations.find("run.googleapis.com/launch-stage");
    const std::string_view stage_name =
        stage == service_.metadata.annotations.end() ? std::string_view() : stage->second;
    check_container(full.spec.containers.front(), full, stage_name, root_, report_);
  }

  void target(size_t index) {
    const TrafficTarget& target = service_.traffic[index];
    const std::string path = fmt::format("spec.{}[{}]", splits(), index);
    if (target.latest_revision && !target.revision_name.empty()) {
      fault(path, "has both latestRevision and revisionName; keep one");
    } else if (!target.latest_revision && target.revision_name.empty()) {
      fault(path, "names no revision: give latestRevision: true or a revisionName");
    }
    if (target.tag.empty()) return;
    if (const NameFault why = tag_fault(target.tag, service_.metadata.name)) {
      fault(path + ".tag", fmt::format("{} {}", quoted(target.tag), *why));
    } else if (!tags_.insert(target.tag).second) {
      fault(path + ".tag",
            fmt::format("{} is given twice; a tag names one revision", quoted(target.tag)));
    }
  }

  void traffic_sum() {
    if (service_.traffic.empty()) return;
    int64_t sum = 0;
    for (size_t i = 0; i < service_.traffic.size(); ++i) {
      if (report_.covers(fmt::format("spec.{}[{}].percent", splits(), i))) return;
      sum += service_.traffic[i].percent.value_or(0);
    }
    if (sum == 100) return;
    const std::string path = fmt::format("spec.{}", splits());
    report_.add(path, node_at(root_, path), fmt::format("the percents sum to {}, not to 100", sum));
  }

  const Service& service_;
  const Node& root_;
  Report& report_;
  std::set<std::string_view> tags_;
};

}  // namespace

void add_fault(Report& report, const Node& root, std::string_view path, std::string description) {
  if (!report.covers(path)) report.add(path, node_at(root, path), std::move(description));
}

void check_rules(const Service& service, const Node& root, Report& report) {
  Rules(service, root, report).check();
}

}  // namespace thaw::spec

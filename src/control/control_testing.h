// What the tests of this room share: ports and a listener under the test's hand, and services.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "control/control.h"
#include "control/sqlite_catalog.h"
#include "spec/parse.h"
#include "store/state.h"

namespace thaw::control {

inline constexpr std::string_view kStart = "2026-11-23T00:00:00Z";

class HandClock : public io::Clock {
 public:
  Instant now() const override { return Instant(time); }
  WallTime wall_now() const override { return *parse_rfc3339(kStart) + time; }
  Duration time = seconds(1);
};

class CountingEntropy : public io::Entropy {
 public:
  uint64_t next() override { return value_ = value_ * 6364136223846793005u + 1442695040888963407u; }

 private:
  uint64_t value_ = 42;
};

/// Remembers what serving and the gateway were told, and the order.
class Told final : public Listener {
 public:
  void on_run(const serving::RevisionConfig& config) override {
    const std::string& name = config.instance.revision.str();
    calls.push_back("run " + name);
    running[name] = config;
  }
  void on_retire(const RevisionId& revision) override {
    calls.push_back("retire " + revision.str());
    running.erase(revision.str());
  }
  void on_removed(const ServiceId& service) override {
    calls.push_back("removed " + service.str());
  }
  void on_routes(const ServiceId& service, const Routes& table) override {
    calls.push_back("routes");
    std::erase_if(routes, [&](const Route& route) { return route.service == service; });
    routes.insert(routes.end(), table.begin(), table.end());
    for (const Route& route : table) {
      for (const Share& share : route.shares) {
        EXPECT_TRUE(running.contains(share.revision.str()))
            << "a route leads to " << share.revision.str() << ", which serving does not know";
      }
    }
  }
  /// "r1 90, r2 10" of a service's main route or of a tag's.
  std::string shares(const std::string& service, const std::string& tag = "") const {
    for (const Route& route : routes) {
      if (route.service.str() != service || route.tag != tag) continue;
      std::string text;
      for (const Share& share : route.shares) {
        text +=
            (text.empty() ? "" : ", ") + share.revision.str() + " " + std::to_string(share.percent);
      }
      return text;
    }
    return "no route";
  }
  std::vector<std::string> calls;
  std::map<std::string, serving::RevisionConfig> running;
  Routes routes;
};

/// A catalog that fails when told to.
class ShakyCatalog : public Catalog {
 public:
  explicit ShakyCatalog(store::Database& database) : real_(database) {}
  Status commit(const Change& change) override {
    ++commits;
    if (broken) return Error(Code::kResourceExhausted, "state.db: no room left on the disk");
    return real_.commit(change);
  }
  Result<Contents> load() override { return real_.load(); }
  bool broken = false;
  int commits = 0;

 private:
  SqliteCatalog real_;
};

struct Bench {
  explicit Bench(const std::string& path = ":memory:", size_t most_revisions = 1000)
      : database(*store::open_state(path, kStart)),
        catalog(*database),
        controller(clock, entropy, catalog, told,
                   Options{.serve_argv = {"/usr/bin/thaw", "serve"},
                           .most_services = 5,
                           .most_revisions = most_revisions}) {
    EXPECT_TRUE(controller.load());
  }

  /// A service whose template is told apart by `word`; `extra` are further lines of the file.
  static spec::Service service(const std::string& name, const std::string& word,
                               const std::string& template_lines = "",
                               const std::string& spec_lines = "") {
    const std::string text =
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata:\n  name: " + name +
        "\nspec:\n" + spec_lines + "  template:\n" + template_lines +
        "    spec:\n      containers:\n      - image: thaw.local/host\n"
        "        command: [/bin/program]\n        args: [" +
        word + "]\n";
    auto parsed = spec::parse_service(text, "test.yaml");
    EXPECT_TRUE(parsed) << parsed.error().message();
    return *parsed;
  }
  spec::Service deploy(const spec::Service& wanted) {
    clock.time += seconds(1);
    auto done = controller.apply(wanted, ApplyMode::kUpsert);
    EXPECT_TRUE(done) << (done ? "" : done.error().message());
    return done ? *done : spec::Service{};
  }
  std::string latest(const std::string& name) const {
    return controller.get(ServiceId(name))->status.latest_created_revision_name;
  }
  void becomes(const std::string& revision, serving::RevisionState::Ready ready,
               const std::string& reason = "", const std::string& message = "") {
    clock.time += seconds(1);
    controller.on_revision_state(RevisionId(revision), {ready, reason, message});
  }
  std::string deploy_ready(const spec::Service& wanted) {
    deploy(wanted);
    const std::string revision = latest(wanted.metadata.name);
    becomes(revision, serving::RevisionState::Ready::kTrue);
    return revision;
  }
  /// "True", "False: REASON", "Unknown: REASON"
  std::string condition(const std::string& name, const std::string& type) const {
    const spec::Service found = *controller.get(ServiceId(name));
    for (const spec::Condition& condition : found.status.conditions) {
      if (condition.type != type) continue;
      switch (condition.status) {
        case spec::ConditionStatus::kTrue:
          return "True";
        case spec::ConditionStatus::kFalse:
          return "False: " + condition.reason;
        case spec::ConditionStatus::kUnknown:
          return "Unknown: " + condition.reason;
      }
    }
    return "absent";
  }

  HandClock clock;
  CountingEntropy entropy;
  Told told;
  std::unique_ptr<store::Database> database;
  ShakyCatalog catalog;
  Controller controller;
};

}  // namespace thaw::control

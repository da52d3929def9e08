#include "cli/deploy_flags.h"

#include <gtest/gtest.h>

#include "spec/emit.h"
#include "spec/parse.h"

namespace thaw::cli {
namespace {

using spec::Service;

/// The words as `thaw deploy hello FLAGS` gives them.
Outcome<Service> apply(const std::vector<std::string_view>& flags, Service service = {},
                       Deployed deployed = Deployed::kNotYet,
                       const std::optional<KeyValues>& variables = std::nullopt) {
  std::vector<std::string_view> words = {"hello"};
  words.insert(words.end(), flags.begin(), flags.end());
  const std::vector<std::string_view> name = {"deploy"};
  auto parsed = Words::parse(*find_command(name).command, words);
  if (!parsed) return std::move(parsed).error();
  service.metadata.name = "hello";
  return apply_flags(*parsed, std::move(service), deployed, variables);
}

Service changed(const std::vector<std::string_view>& flags, Service service) {
  auto result = apply(flags, std::move(service), Deployed::kBefore);
  EXPECT_TRUE(result) << result.error().error.message();
  return result ? *result : Service();
}

std::string fault(const std::vector<std::string_view>& flags) {
  const auto result = apply(flags, {}, Deployed::kBefore);
  if (result) return "";
  EXPECT_EQ(result.error().exit, ExitCode::kUsage);
  return result.error().error.message();
}

Service existing() {
  Service service;
  service.metadata.name = "hello";
  service.template_.metadata.name = "hello-00001-abc";
  service.template_.spec.containers.push_back({.image = "thaw.local/host",
                                               .command = {"/bin/server"},
                                               .args = {"-v"},
                                               .env = {{"A", "1"}, {"B", "2"}}});
  service.traffic = {{.latest_revision = true, .percent = 100}};
  service.status.latest_ready_revision_name = "hello-00001-abc";
  return service;
}

TEST(DeployFlags, ANewServiceFromACommandRunsOnTheHost) {
  const auto service = apply({"--command", "python3,-m,http.server", "--args=-v,8080"});
  ASSERT_TRUE(service);
  const spec::Container& container = service->template_.spec.containers[0];
  EXPECT_EQ(container.image, "thaw.local/host");
  EXPECT_EQ(container.command, (std::vector<std::string>{"python3", "-m", "http.server"}));
  EXPECT_EQ(container.args, (std::vector<std::string>{"-v", "8080"}));
  EXPECT_TRUE(spec::validate(*service));
  const auto bare = apply({"--memory", "1Gi"});
  EXPECT_EQ(bare.error().error.message(), "a new service needs --command, or --image, or a FILE");
}

TEST(DeployFlags, OnlyWhatIsNamedChanges) {
  const Service before = existing();
  Service after = changed({"--memory", "1Gi"}, before);
  EXPECT_EQ(after.template_.spec.containers[0].resources.memory, gib(1));
  EXPECT_EQ(after.template_.metadata.name, "");  // the next revision gets a name of its own
  after.template_.spec.containers[0].resources.memory.reset();
  after.template_.metadata.name = before.template_.metadata.name;
  EXPECT_EQ(after, before);
}

TEST(DeployFlags, EverySettingReachesItsField) {
  const Service service = changed({"--port",
                                   "9000",
                                   "--use-http2",
                                   "--cpu",
                                   "500m",
                                   "--concurrency",
                                   "7",
                                   "--timeout",
                                   "5m",
                                   "--min-instances",
                                   "1",
                                   "--max-instances",
                                   "4",
                                   "--min",
                                   "2",
                                   "--max",
                                   "9",
                                   "--no-cpu-throttling",
                                   "--cpu-boost",
                                   "--session-affinity",
                                   "--execution-environment",
                                   "gen2",
                                   "--service-account",
                                   "robot",
                                   "--description",
                                   "a text",
                                   "--revision-suffix",
                                   "v2",
                                   "--workdir",
                                   "/srv",
                                   "--startup-probe",
                                   "httpGet.path=/up,periodSeconds=2,failureThreshold=9"},
                                  existing());
  const spec::RevisionTemplate& revision = service.template_;
  const spec::Container& container = revision.spec.containers[0];
  EXPECT_EQ(container.ports[0].container_port, 9000);
  EXPECT_EQ(container.ports[0].protocol, spec::PortProtocol::kH2c);
  EXPECT_EQ(container.resources.cpu, spec::Cpu{500});
  EXPECT_EQ(revision.spec.container_concurrency, 7);
  EXPECT_EQ(revision.spec.timeout, seconds(300));
  EXPECT_EQ(revision.scaling.min_instances, 1);
  EXPECT_EQ(revision.scaling.max_instances, 4);
  EXPECT_EQ(service.scaling.min_instances, 2);
  EXPECT_EQ(service.scaling.max_instances, 9);
  EXPECT_EQ(revision.cpu_allocation, spec::CpuAllocation::kInstanceBased);
  EXPECT_EQ(revision.startup_cpu_boost, true);
  EXPECT_EQ(revision.session_affinity, true);
  EXPECT_EQ(revision.execution_environment, spec::ExecutionEnvironment::kGen2);
  EXPECT_EQ(revision.spec.service_account_name, "robot");
  EXPECT_EQ(service.description, "a text");
  EXPECT_EQ(revision.metadata.name, "hello-v2");
  EXPECT_EQ(container.working_dir, "/srv");
  EXPECT_EQ(container.startup_probe->kind, spec::ProbeKind::kHttp);
  EXPECT_EQ(container.startup_probe->http_path, "/up");
  EXPECT_EQ(container.startup_probe->period, seconds(2));
  EXPECT_EQ(container.startup_probe->failure_threshold, 9);
}

TEST(DeployFlags, DefaultTakesASettingAway) {
  Service before = changed({"--concurrency", "7", "--max-instances", "4", "--port", "9000",
                            "--startup-probe", "tcpSocket.port=9000"},
                           existing());
  Service after = changed({"--concurrency", "default", "--max-instances", "default", "--port",
                           "default", "--startup-probe", "", "--args", ""},
                          before);
  EXPECT_FALSE(after.template_.spec.container_concurrency);
  EXPECT_FALSE(after.template_.scaling.max_instances);
  EXPECT_TRUE(after.template_.spec.containers[0].ports.empty());
  EXPECT_FALSE(after.template_.spec.containers[0].startup_probe);
  EXPECT_TRUE(after.template_.spec.containers[0].args.empty());
}

TEST(DeployFlags, VariablesAreReplacedChangedOrRemoved) {
  const auto env = [](const std::vector<std::string_view>& flags) {
    std::string text;
    const Service service = changed(flags, existing());
    for (const auto& each : service.template_.spec.containers[0].env) {
      text += each.name + "=" + each.value + ";";
    }
    return text;
  };
  EXPECT_EQ(env({"--set-env-vars", "C=3"}), "C=3;");
  EXPECT_EQ(env({"--update-env-vars", "A=9,C=3"}), "A=9;B=2;C=3;");
  EXPECT_EQ(env({"--remove-env-vars", "A,Z"}), "B=2;");
  EXPECT_EQ(env({"--clear-env-vars"}), "");
  EXPECT_EQ(env({"--set-env-vars", "^;^C=1,2;D=x=y"}), "C=1,2;D=x=y;");
  EXPECT_EQ(env({"--set-env-vars", "C="}), "C=;");
  EXPECT_EQ(fault({"--set-env-vars", "A"}), "--set-env-vars: 'A' has no '='; write KEY=VALUE");
  EXPECT_EQ(fault({"--set-env-vars", "=1"}), "--set-env-vars: '=1' has no key before the '='");
  EXPECT_EQ(fault({"--set-env-vars", "A=1,A=2"}), "--set-env-vars: A is given twice");
  EXPECT_EQ(fault({"--set-env-vars", "^;A=1"}),
            "--set-env-vars: '^;A=1' opens a separator that is not closed; write "
            "^SEPARATOR^PART...");
  EXPECT_NE(fault({"--set-env-vars", "A=1", "--clear-env-vars"}), "");
}

TEST(DeployFlags, AVariablesFileIsLinesOrJson) {
  const auto lines = parse_variables_file(".env", "# c\n\nA=1\r\nexport B='two words'\nC=\"\"\n");
  ASSERT_TRUE(lines);
  EXPECT_EQ(*lines, (KeyValues{{"A", "1"}, {"B", "two words"}, {"C", ""}}));
  const auto json = parse_variables_file("v.json", R"({"A": "1", "N": 2.5, "T": true})");
  ASSERT_TRUE(json);
  EXPECT_EQ(*json, (KeyValues{{"A", "1"}, {"N", "2.5"}, {"T", "true"}}));
  EXPECT_EQ(parse_variables_file(".env", "A=1\nnonsense").error().error.message(),
            ".env:2: 'nonsense' has no '='; write KEY=VALUE");
  EXPECT_EQ(parse_variables_file("v.json", R"({"A": [1]})").error().error.message(),
            "v.json: A: a variable is a text, not [1]");
  EXPECT_FALSE(parse_variables_file("v.json", "{\"A\": 1"));
}

TEST(DeployFlags, LabelsGoOnServiceAndRevision) {
  Service before = existing();
  before.metadata.labels = {{"keep", "1"}, {"old", "2"}};
  before.template_.metadata.labels = before.metadata.labels;
  const Service after = changed({"--update-labels", "new=3", "--remove-labels", "old"}, before);
  const spec::StringMap wanted = {{"keep", "1"}, {"new", "3"}};
  EXPECT_EQ(after.metadata.labels, wanted);
  EXPECT_EQ(after.template_.metadata.labels, wanted);
}

TEST(DeployFlags, NoTrafficKeepsItOnTheRevisionThatHasIt) {
  const Service after = changed({"--no-traffic", "--tag", "next"}, existing());
  ASSERT_EQ(after.traffic.size(), 2u);
  EXPECT_EQ(after.traffic[0].revision_name, "hello-00001-abc");
  EXPECT_EQ(after.traffic[0].percent, 100);
  EXPECT_FALSE(after.traffic[0].latest_revision);
  EXPECT_TRUE(after.traffic[1].latest_revision);
  EXPECT_EQ(after.traffic[1].tag, "next");
  EXPECT_EQ(after.traffic[1].percent.value_or(0), 0);
  EXPECT_TRUE(spec::validate(after)) << spec::validate(after).error().message();
}

TEST(DeployFlags, NoTrafficAddsUpWithWhatTheRevisionHad) {
  Service before = existing();
  before.traffic = {{.revision_name = "hello-00001-abc", .percent = 40},
                    {.latest_revision = true, .percent = 60}};
  const Service after = changed({"--no-traffic"}, before);
  ASSERT_EQ(after.traffic.size(), 1u);
  EXPECT_EQ(after.traffic[0].percent, 100);
}

TEST(DeployFlags, NoTrafficIsRefusedWhereNobodyCouldKeepIt) {
  const auto fresh = apply({"--command", "x", "--no-traffic"});
  EXPECT_EQ(fresh.error().exit, ExitCode::kUsage);
  Service before = existing();
  before.status.latest_ready_revision_name.clear();
  EXPECT_EQ(apply({"--no-traffic"}, before, Deployed::kBefore).error().exit, ExitCode::kRefused);
}

TEST(DeployFlags, ATagMovesToTheNewRevisionAndTrafficStays) {
  Service before = existing();
  before.traffic = {{.revision_name = "hello-00001-abc", .percent = 100, .tag = "next"}};
  const Service after = changed({"--tag", "next"}, before);
  ASSERT_EQ(after.traffic.size(), 2u);
  EXPECT_EQ(after.traffic[0].tag, "");
  EXPECT_EQ(after.traffic[0].percent, 100);
  EXPECT_EQ(after.traffic[1].tag, "next");
}

TEST(DeployFlags, ProbesAreReadAsGcloudWritesThem) {
  EXPECT_EQ(fault({"--startup-probe", "httpGet.pth=/"}),
            "--startup-probe: unknown key httpGet.pth; did you mean httpGet.path?");
  EXPECT_EQ(fault({"--startup-probe", "httpGet.path=/,tcpSocket.port=1"}),
            "--startup-probe: a probe is either httpGet or tcpSocket, not both");
  EXPECT_EQ(fault({"--startup-probe", "periodSeconds=1"}),
            "--startup-probe: says not what to ask; add tcpSocket.port, httpGet.path or "
            "grpc.port");
  EXPECT_EQ(fault({"--startup-probe", "httpGet.path=/,periodSeconds=soon"}),
            "--startup-probe: periodSeconds: 'soon' is no whole number");
}

TEST(DeployFlags, QuantitiesAreCheckedHere) {
  EXPECT_NE(fault({"--memory", "lots"}).find("--memory: "), std::string::npos);
  EXPECT_NE(fault({"--cpu", "-1"}).find("--cpu"), std::string::npos);
  EXPECT_NE(fault({"--concurrency", "many"}).find("--concurrency: 'many'"), std::string::npos);
}

}  // namespace
}  // namespace thaw::cli

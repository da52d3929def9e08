#include "app/options.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

namespace thaw::app {
namespace {

struct World {
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> files;

  Result<UpOptions> parse(const std::vector<std::string>& words) const {
    return parse_up_options(
        words, {.environment = [this](const std::string& name) -> std::optional<std::string> {
                  const auto at = environment.find(name);
                  if (at == environment.end()) return std::nullopt;
                  return at->second;
                },
                .read_file = [this](const std::string& path) -> Result<std::string> {
                  const auto at = files.find(path);
                  if (at == files.end()) return Error(Code::kNotFound, "open " + path);
                  return at->second;
                },
                .default_data_dir = "/data"});
  }
};

TEST(UpOptions, DefaultsAreThoseOfTheTable) {
  const auto options = World{}.parse({});
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->data_dir, "/data");
  EXPECT_EQ(options->gateway_address.str(), "127.0.0.1:8080");
  EXPECT_EQ(options->api_address.str(), "127.0.0.1:8081");
  EXPECT_EQ(options->base_domain, "localhost");
  EXPECT_EQ(options->scale_to_zero_after, seconds(60));
  EXPECT_EQ(options->longest_queue, 10'000);
}

TEST(UpOptions, ThePublicPortOfTlsIsItsOwnUnlessGiven) {
  EXPECT_EQ(World{}.parse({"--tls-address", "127.0.0.1:8443"})->tls_public_port, 0);
  EXPECT_EQ(World{}
                .parse({"--tls-address", "127.0.0.1:8443", "--tls-public-port", "443"})
                ->tls_public_port,
            443);
  for (const char* text : {"0", "65536", "443x", ""}) {
    const auto wrong =
        World{}.parse({"--tls-address", "127.0.0.1:8443", "--tls-public-port", text});
    ASSERT_FALSE(wrong) << text;
    EXPECT_NE(wrong.error().message().find("a port from 1 to 65535"), std::string::npos);
    EXPECT_NE(wrong.error().message().find("tls-public-port"), std::string::npos);
  }
  const auto alone = World{}.parse({"--tls-public-port", "443"});
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().message(), "--tls-public-port needs --tls-address, which it leads to");
}

TEST(UpOptions, TheTimeToZeroCanBeLearned) {
  EXPECT_EQ(World{}.parse({"--scale-to-zero-after", "auto"})->scale_to_zero_after, std::nullopt);
  const auto wrong = World{}.parse({"--scale-to-zero-after", "automatic"});
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("must be a duration from 100 ms"), std::string::npos)
      << wrong.error().message();
}

TEST(UpOptions, FlagWinsOverEnvironmentOverFile) {
  World world;
  world.files["/t.yaml"] = "longest-queue: 1\nstop-grace: 1s\nbase-domain: file.test\n";
  world.environment = {
      {"THAW_CONFIG", "/t.yaml"}, {"THAW_STOP_GRACE", "2s"}, {"THAW_BASE_DOMAIN", "env.test"}};
  const auto options = world.parse({"--base-domain=flag.test"});
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->longest_queue, 1);
  EXPECT_EQ(options->stop_grace, seconds(2));
  EXPECT_EQ(options->base_domain, "flag.test");
}

TEST(UpOptions, WrongInputIsRefusedWithItsPlaceAndTheNearestName) {
  World world;
  world.files["/unknown.yaml"] = "stop-grace: 5s\nlongest-qeue: 3\n";
  world.files["/list.yaml"] = "longest-queue: [1, 2]\n";
  world.files["/broken.yaml"] = "a: b: c\n";
  world.files["/twice.yaml"] = "longest-queue: 1\nlongest-queue: 2\n";
  const struct {
    std::vector<std::string> words;
    std::string part;
  } cases[] = {
      {{"--gatway-address", "x"}, "did you mean 'gateway-address'"},
      {{"--longest-queue", "-1"}, "--longest-queue: '-1': must be a whole number from 1 to"},
      {{"--longest-queue", "99999999999999999999"}, "must be a whole number"},
      {{"--longest-queue", "5x"}, "must be a whole number"},
      {{"--stop-grace", "ten"}, "must be a duration from 100 ms"},
      {{"--stop-grace", "9h"}, "must be a duration"},
      {{"--api-address", "localhost:80"}, "numeric address"},
      {{"--api-address", "127.0.0.1"}, "must be IP:PORT"},
      {{"--api-address", "127.0.0.1:70000"}, "must be IP:PORT"},
      {{"--log-format", "xml"}, "one of auto, text, json"},
      {{"--log-level", "loud"}, "one of debug, info"},
      {{"--isolation", "vm"}, "one of auto, container, process"},
      {{"--data-dir", "relative"}, "must be an absolute path"},
      {{"--base-domain", "UPPER"}, "lower case"},
      {{"--longest-queue"}, "--longest-queue needs a value"},
      {{"--longest-queue", "1", "--longest-queue", "2"}, "is given twice"},
      {{"--tls-address", "443"}, "must be IP:PORT"},
      {{"--tls-certificate", "a.pem"}, "must be an absolute path"},
      {{"--tls-address", "0.0.0.0:443", "--tls-certificate", "/a.pem"}, "needs --tls-key"},
      {{"--tls-address", "0.0.0.0:443", "--tls-key", "/a.pem"}, "needs --tls-certificate"},
      {{"--tls-certificates", "/etc/tls"}, "add --tls-address"},
      {{"--acme-directory", "http://ca.test/dir"}, "must be an https URL"},
      {{"--acme-directory", "https://ca.test/dir"}, "--acme-directory needs --tls-address"},
      {{"--acme-email", "nobody"}, "must be an address"},
      {{"now"}, "unexpected argument 'now'"},
      {{"--config", "/absent.yaml"}, "open /absent.yaml"},
      {{"--config", "/unknown.yaml"},
       "/unknown.yaml:2: unknown option 'longest-qeue'; did you mean"},
      {{"--config", "/list.yaml"}, "/list.yaml:1: longest-queue needs one value"},
      {{"--config", "/broken.yaml"}, "/broken.yaml:1"},
      {{"--config", "/twice.yaml"}, "/twice.yaml:2: longest-queue is given twice"},
  };
  for (const auto& [words, part] : cases) {
    const auto options = world.parse(words);
    ASSERT_FALSE(options) << part;
    EXPECT_NE(options.error().message().find(part), std::string::npos) << options.error().message();
  }
}

TEST(UpOptions, TlsIsOffUntilItHasAnAddress) {
  EXPECT_FALSE(World{}.parse({})->tls_address);
  const auto options = World{}.parse({"--tls-address", "[::]:443", "--tls-certificate", "/a.crt",
                                      "--tls-key", "/a.key", "--tls-certificates", "/more"});
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->tls_address->str(), "[::]:443");
  EXPECT_EQ(options->tls_key, "/a.key");
  EXPECT_EQ(options->tls_certificates, "/more");
}

TEST(UpOptions, SpansGoWhereOpenTelemetrysVariablesSay) {
  World world;
  EXPECT_FALSE(world.parse({})->otlp);
  world.environment = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]:4318/base/"},
                       {"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, other=c"},
                       {"OTEL_BSP_SCHEDULE_DELAY", "250"},
                       {"OTEL_SERVICE_NAME", "mine"},
                       {"OTEL_TRACES_SAMPLER", "traceidratio"},
                       {"OTEL_TRACES_SAMPLER_ARG", "0.25"}};
  const auto options = world.parse({});
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->otlp->to.str(), "[::1]:4318");
  EXPECT_EQ(options->otlp->target, "/base/v1/traces");
  EXPECT_EQ(options->otlp->headers.get("api-key"), "a b");
  EXPECT_EQ(options->otlp->headers.get("other"), "c");
  EXPECT_EQ(options->otlp->delay, milliseconds(250));
  EXPECT_EQ(options->otlp->name, "mine");
  EXPECT_EQ(options->sampler.root, gateway::Sampler::Root::kRatio);
  EXPECT_FALSE(options->sampler.follows_parent);
  EXPECT_EQ(options->sampler.ratio, 0.25);
  EXPECT_EQ(world.parse({"--otlp-endpoint", "http://localhost"})->otlp->to.str(), "127.0.0.1:80");
  world.environment["OTEL_EXPORTER_OTLP_CERTIFICATE"] = "/roots.pem";
  const auto secure = world.parse({"--otlp-endpoint", "https://Collector.example.org/base"});
  ASSERT_TRUE(secure) << secure.error().message();
  EXPECT_EQ(secure->otlp->scheme, UpOptions::Otlp::Scheme::kHttps);
  EXPECT_EQ(secure->otlp->to.ip, "collector.example.org");
  EXPECT_EQ(secure->otlp->to.port, 443);
  EXPECT_EQ(secure->otlp->authority, "collector.example.org:443");
  EXPECT_EQ(secure->otlp->target, "/base/v1/traces");
  EXPECT_EQ(secure->otlp->roots, "/roots.pem");
  world.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = "";
  world.environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://127.0.0.1:1/as/it/is";
  EXPECT_EQ(world.parse({})->otlp->target, "/as/it/is");
  world.environment["OTEL_SDK_DISABLED"] = "true";
  EXPECT_FALSE(world.parse({})->otlp);
}

TEST(UpOptions, WhatIsWrongInOpenTelemetrysVariablesIsNamedAndNoSecretRepeated) {
  for (const auto& [name, value] : {std::pair{"OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://x:4318"},
                                    {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4317"},
                                    {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},
                                    {"OTEL_EXPORTER_OTLP_CERTIFICATE", "roots.pem"},
                                    {"OTEL_EXPORTER_OTLP_HEADERS", "SECRET"},
                                    {"OTEL_EXPORTER_OTLP_HEADERS", "a=%0aSECRET"},
                                    {"OTEL_BSP_SCHEDULE_DELAY", "soon"},
                                    {"OTEL_TRACES_SAMPLER", "jaeger_remote"},
                                    {"OTEL_TRACES_SAMPLER_ARG", "2"}}) {
    World world;
    world.environment = {{"THAW_OTLP_ENDPOINT", "http://127.0.0.1:4318"}, {name, value}};
    if (std::string_view(name) == "OTEL_EXPORTER_OTLP_ENDPOINT") {
      world.environment.erase("THAW_OTLP_ENDPOINT");
    }
    const auto options = world.parse({});
    ASSERT_FALSE(options) << name;
    EXPECT_NE(options.error().message().find(name), std::string::npos) << options.error().message();
    EXPECT_EQ(options.error().message().find("SECRET"), std::string::npos);
  }
}

TEST(UpOptions, TheRequestLogIsOnOffOrAShare) {
  for (const auto& [text, share] : {std::pair{"on", 1.0}, std::pair{"off", 0.0},
                                    std::pair{"0.25", 0.25}, std::pair{"1", 1.0}}) {
    EXPECT_EQ(World{}.parse({"--request-log", text})->request_log, share) << text;
  }
  for (const char* text : {"", "yes", "-0.1", "1.1", "nan", "0.5x"}) {
    EXPECT_FALSE(World{}.parse({"--request-log", text})) << text;
  }
}

TEST(UpOptions, ReferencePageIsCurrent) {
  std::ifstream page(THAW_SOURCE_DIR "/docs/reference/options.md");
  std::stringstream text;
  text << page.rdbuf();
  EXPECT_EQ(text.str(), options_reference()) << "write docs/reference/options.md anew from this";
}

}  // namespace
}  // namespace thaw::app

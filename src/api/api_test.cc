#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

#include "api/api_testing.h"

namespace thaw::api {
namespace {

using ::testing::HasSubstr;
class RunV1 : public ApiTest {};
class ThawV1 : public ApiTest {};

TEST_F(ApiTest, TheReferencePageIsTheTableOfRoutes) {
  std::ifstream file(THAW_SOURCE_DIR "/docs/reference/api.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  if (std::getenv("THAW_WRITE_PAGES") != nullptr) {
    std::ofstream(THAW_SOURCE_DIR "/docs/reference/api.md") << api_.reference();
    return;
  }
  EXPECT_EQ(page, api_.reference()) << "run this test with THAW_WRITE_PAGES=1 to write it anew";
}

TEST_F(ApiTest, UnknownPathsMethodsAndParametersSayWhatIsKnown) {
  EXPECT_THAT(refused(call("GET", "/nothing"), 404), HasSubstr("/thaw/v1/routes"));
  const http::Response wrong = call("PATCH", kServices);
  EXPECT_THAT(refused(wrong, 405), HasSubstr("only GET, POST is known here"));
  EXPECT_EQ(wrong.headers.get("Allow"), "GET, POST");
  EXPECT_THAT(refused(call("GET", "/thaw/v1/services/x/logs?tial=3"), 400),
              HasSubstr("unknown query parameter 'tial'; did you mean 'tail'?"));
  EXPECT_EQ(call("GET", kServices + "?alt=json&prettyPrint=false").status, 200);
  EXPECT_EQ(call("GET", "/%zz").status, 404);
}

TEST_F(ApiTest, BrowsersOfOtherSitesAndReboundNamesAreRefused) {
  EXPECT_THAT(
      refused(call("POST", kServices, service_body("demo"), {{"Origin", "http://evil.example"}}),
              403),
      HasSubstr("evil.example"));
  EXPECT_THAT(refused(call("GET", "http://evil.example" + kServices), 403),
              HasSubstr("evil.example"));
  EXPECT_TRUE(bench_.controller.list().empty());
}

TEST_F(ApiTest, AbsoluteTargetsAreAnsweredAsGcloudSendsThem) {
  EXPECT_EQ(call("GET", "http://us-central1-run.local" + kServices + "?alt=json").status, 200);
}

TEST_F(ApiTest, EachProjectHasANumberThatStaysAndOneLocation) {
  const auto number = [&](const std::string& project) {
    return get("/v1/projects/" + project).string_or("projectNumber");
  };
  EXPECT_EQ(number("one"), number("one"));
  EXPECT_NE(number("one"), number("two"));
  EXPECT_EQ(number("one").size(), 12u);
  const Json locations = get("/v1/projects/one/locations?pageSize=100");
  EXPECT_EQ(locations["locations"].as_array().at(0).string_or("locationId"), "local");
}

TEST_F(ApiTest, ABodyOverSixteenMebibytesIsRefused) {
  EXPECT_EQ(call("POST", kServices, std::string((16 << 20) + 1, ' ')).status, 413);
}

TEST_F(RunV1, DeploysReadsReplacesAndDeletes) {
  const http::Response made = call("POST", kServices, service_body("demo"));
  ASSERT_EQ(made.status, 200) << made.body;
  Json service = *Json::parse(made.body);
  EXPECT_EQ(service["metadata"].string_or("namespace"), "p1");
  EXPECT_EQ(service["metadata"].int_or("generation", 0), 1);
  EXPECT_EQ(service["status"]["conditions"].as_array()[0].string_or("status"), "Unknown");
  EXPECT_EQ(service["spec"]["traffic"].as_array()[0].int_or("percent", 0), 100);
  const std::string first = bench_.latest("demo");
  bench_.becomes(first, serving::RevisionState::Ready::kTrue);
  service = get(kServices + "/demo");
  EXPECT_EQ(service["status"]["conditions"].as_array()[0].string_or("status"), "True");
  EXPECT_EQ(service["status"].string_or("latestReadyRevisionName"), first);

  // As gcloud does: all of what was read is sent back with one change.
  service.as_object();
  Json& metadata = service.set("metadata", service["metadata"]);
  metadata.set("selfLink", "/apis/x");
  const http::Response same = call("PUT", kServices + "/demo?alt=json", service.dump());
  ASSERT_EQ(same.status, 200) << same.body;
  EXPECT_EQ(bench_.controller.revisions().size(), 1u);
  const http::Response next = call("PUT", kServices + "/demo", service_body("demo", "two"));
  ASSERT_EQ(next.status, 200) << next.body;
  EXPECT_EQ(bench_.controller.revisions().size(), 2u);
  EXPECT_EQ(call("PUT", kServices + "/demo", service.dump()).status, 409) << "a stale read";

  const http::Response gone = call("DELETE", kServices + "/demo");
  EXPECT_EQ(Json::parse(gone.body)->string_or("status"), "Success");
  EXPECT_EQ(call("GET", kServices + "/demo").status, 404);
  EXPECT_EQ(call("DELETE", kServices + "/demo").status, 404);
}

TEST_F(RunV1, BothWaysToNameTheParentLeadToTheSameServices) {
  deploy("demo");
  const Json list = get("/v1/projects/p2/locations/-/services");
  ASSERT_EQ(list["items"].as_array().size(), 1u);
  EXPECT_EQ(list.string_or("kind"), "ServiceList");
  EXPECT_EQ(list["items"].as_array()[0]["metadata"].string_or("namespace"), "p2");
}

TEST_F(RunV1, ADryRunStoresNothing) {
  EXPECT_EQ(call("POST", kServices + "?dryRun=all", service_body("demo")).status, 200);
  EXPECT_TRUE(bench_.controller.list().empty());
  EXPECT_THAT(refused(call("POST", kServices + "?dryRun=some", service_body("demo")), 400),
              HasSubstr("dryRun"));
}

TEST_F(RunV1, FaultsAreListedFieldByFieldAndNothingIsStored) {
  std::string body = service_body("demo");
  body.replace(body.find("\"image\""), 7, "\"imag\"");
  const http::Response response = call("POST", kServices, body);
  EXPECT_EQ(response.status, 400);
  const Json error = (*Json::parse(response.body))["error"];
  EXPECT_EQ(error.string_or("status"), "INVALID_ARGUMENT");
  const Json& violation = error["details"].as_array()[0]["fieldViolations"].as_array()[0];
  EXPECT_THAT(violation.string_or("field"), HasSubstr("containers[0].imag"));
  EXPECT_THAT(violation.string_or("description"), HasSubstr("image"));
  for (const char* bad : {"", "{", "[]", "null", "{\"a\":1}", "\xff\xfe"}) {
    refused(call("POST", kServices, bad), 400);
  }
  EXPECT_THAT(refused(call("PUT", kServices + "/other", service_body("demo")), 400),
              HasSubstr("'demo' is not the service 'other'"));
  refused(call("PUT", kServices + "/demo", service_body("demo")), 404);
  EXPECT_TRUE(bench_.controller.list().empty());
  deploy("demo");
  refused(call("POST", kServices, service_body("demo")), 409);
}

TEST_F(RunV1, ListsAreSelectedByLabels) {
  deploy("demo");
  deploy("other", "two");
  const auto count = [&](const std::string& target) {
    return get(target)["items"].as_array().size();
  };
  EXPECT_EQ(count(kRevisions), 2u);
  EXPECT_EQ(count(kRevisions + "?labelSelector=serving.knative.dev%2Fservice+%3D+demo"), 1u);
  EXPECT_EQ(count(kRevisions + "?labelSelector=client.knative.dev%2Fnonce%3Dn-two"), 1u);
  EXPECT_EQ(count(kRevisions + "?labelSelector=serving.knative.dev/service%3Ddemo,"
                               "client.knative.dev/nonce%3D%3Dn-two"),
            0u);
  EXPECT_EQ(count(kServices + "?labelSelector=team%3Da"), 2u);
  EXPECT_EQ(count(kServices + "?labelSelector=team%3Db"), 0u);
  for (const char* bad : {"team", "%3D", "a!%3Db", "a+in+(b)", ",", "%3D%3D"}) {
    refused(call("GET", kServices + "?labelSelector=" + bad), 400);
  }
}

TEST_F(RunV1, RevisionsAreShownAndDeletedWithinTheRules) {
  const std::string first = deploy("demo");
  bench_.becomes(first, serving::RevisionState::Ready::kTrue);
  const Json revision = get(kRevisions + "/" + first);
  EXPECT_EQ(revision["metadata"]["labels"].string_or("serving.knative.dev/service"), "demo");
  EXPECT_EQ(revision["metadata"].string_or("namespace"), "p1");
  EXPECT_EQ(revision["spec"]["containers"].as_array()[0].string_or("image"), "thaw.local/host");
  std::map<std::string, std::string> conditions;
  for (const Json& condition : revision["status"]["conditions"].as_array()) {
    conditions[condition.string_or("type")] = condition.string_or("status");
  }
  EXPECT_EQ(conditions["Ready"], "True");
  EXPECT_EQ(conditions["Active"], "True");
  EXPECT_THAT(refused(call("DELETE", kRevisions + "/" + first), 400), HasSubstr("has traffic"));
  refused(call("GET", kRevisions + "/absent"), 404);
}

TEST_F(RunV1, ADomainIsMappedMovedAndUnmapped) {
  const std::string all = "/apis/domains.cloudrun.com/v1/namespaces/p1/domainmappings";
  const auto body = [](const std::string& domain, const std::string& service,
                       const std::string& more = "") {
    return R"({"kind":"DomainMapping","metadata":{"name":")" + domain +
           R"("},"spec":{"routeName":")" + service + "\"" + more + "}}";
  };
  deploy("demo");
  deploy("other");
  ASSERT_EQ(call("POST", all, body("api.test.org", "demo")).status, 200);
  const Json mapping = get(all + "/api.test.org");
  EXPECT_EQ(mapping["metadata"].string_or("namespace"), "p1");
  EXPECT_EQ(mapping["status"].string_or("mappedRouteName"), "demo");
  EXPECT_EQ(mapping["status"]["conditions"].as_array()[0].string_or("status"), "True");
  EXPECT_THAT(refused(call("POST", all, body("api.test.org", "other")), 409),
              HasSubstr("is mapped to service 'demo'"));
  const std::string forced = R"(,"forceOverride":true)";
  EXPECT_EQ(call("POST", all, body("api.test.org", "other", forced)).status, 200);
  EXPECT_EQ(get(all)["items"].as_array()[0]["spec"].string_or("routeName"), "other");

  EXPECT_THAT(refused(call("POST", all, body("Api.test.org", "demo")), 400),
              HasSubstr("metadata.name: 'Api.test.org' is no domain"));
  EXPECT_THAT(refused(call("POST", all, body("b.test.org", "absent")), 400),
              HasSubstr("spec.routeName: "));
  EXPECT_THAT(
      refused(call("POST", all, body("b.test.org", "demo", R"(,"certificateMode":"SOME")")), 400),
      HasSubstr("spec.certificateMode: 'SOME'"));
  EXPECT_EQ(call("DELETE", kServices + "/other").status, 200);
  const Json left = get(all + "/api.test.org");
  EXPECT_EQ(left["status"]["conditions"].as_array()[0].string_or("reason"), "RouteNotFound");
  EXPECT_EQ(call("DELETE", all + "/api.test.org").status, 200);
  refused(call("GET", all + "/api.test.org"), 404);
}

TEST_F(ApiTest, NoPathOfItsIsTakenForABucket) {
  const Json table = get("/thaw/v1/routes");
  ASSERT_FALSE(table["routes"].as_array().empty());
  for (const Json& route : table["routes"].as_array()) {
    const std::string path = route.string_or("path");
    const std::string first = path.substr(1, path.find('/', 1) - 1);
    EXPECT_TRUE(is_reserved_path(first)) << path;
  }
}

TEST_F(ThawV1, TellsOfItself) {
  EXPECT_EQ(get("/thaw/v1/version").string_or("version"), "1.2.3");
  EXPECT_EQ(call("GET", "/thaw/v1/health").status, 200);
  EXPECT_TRUE(get("/thaw/v1/instances")["instances"].as_array().empty());
  metrics_.know(ServiceId("demo"));
  metrics_.on_request(ServiceId("demo"), {.status = 200, .latency = milliseconds(1)});
  EXPECT_THAT(call("GET", "/metrics").body, HasSubstr("thaw_requests_total{service=\"demo\""));
}

TEST_F(ThawV1, UsageIsWhatTheMeterKept) {
  deploy("demo");
  meter_.add({.instance = InstanceId("i"),
              .revision = RevisionId("demo-00001-abc"),
              .service = ServiceId("demo"),
              .from = Instant(seconds(1)),
              .to = Instant(seconds(3)),
              .cpu_millis = 500,
              .memory = gib(2)});
  bool flushed = false;
  meter_.flush([&](Status status) { flushed = status.has_value(); });
  io_linux::run_until(loop_, [&] { return flushed; });
  const Json usage = get("/thaw/v1/services/demo/usage");
  EXPECT_DOUBLE_EQ(usage.double_or("vcpuSeconds", 0), 1.0);
  EXPECT_DOUBLE_EQ(usage.double_or("gibSeconds", 0), 4.0);
  EXPECT_DOUBLE_EQ(usage.double_or("costUsd", 0), 0.000024 + 4 * 0.0000025);
  refused(call("GET", "/thaw/v1/services/absent/usage"), 404);
}

telemetry::LogLine log_line(const std::string& message) {
  telemetry::LogLine line{.service = ServiceId("demo"), .message = message};
  line.time = *parse_rfc3339(control::kStart);
  return line;
}

TEST_F(ThawV1, LogsAreFilteredAndBadFiltersNamed) {
  deploy("demo");
  for (const char* message : {"a", "b", "c"}) logs_.append(log_line(message));
  const http::Response all = call("GET", "/thaw/v1/services/demo/logs");
  EXPECT_EQ(all.headers.get("content-type"), "application/x-ndjson");
  EXPECT_EQ(std::count(all.body.begin(), all.body.end(), '\n'), 3);
  const http::Response last = call("GET", "/thaw/v1/services/demo/logs?tail=1");
  EXPECT_EQ(Json::parse(last.body)->string_or("message"), "c");
  for (const char* bad : {"tail=x", "tail=-1", "tail=99999999999999999999", "since=now",
                          "severity=LOUD", "follow=maybe"}) {
    refused(call("GET", std::string("/thaw/v1/services/demo/logs?") + bad), 400);
  }
  refused(call("GET", "/thaw/v1/services/absent/logs"), 404);
  refused(call("GET", "/thaw/v1/services/..%2F..%2Fetc/logs"), 404);
}

TEST_F(ThawV1, FollowingGivesWhatIsThereThenEachNewLineUntilTheEnd) {
  deploy("demo");
  logs_.append(log_line("old"));
  std::string got;
  bool ended = false;
  const auto running =
      client_.stream(address_, {.target = "/thaw/v1/services/demo/logs?follow=true"}, seconds(10),
                     {.on_head = [](const http::Response& head) { EXPECT_EQ(head.status, 200); },
                      .on_content = [&](std::string_view content) { got += content; },
                      .on_end = [&](Status) { ended = true; }});
  io_linux::run_until(loop_, [&] { return got.find("old") != std::string::npos; });
  logs_.append(log_line("new"));
  io_linux::run_until(loop_, [&] { return got.find("new") != std::string::npos; });
  bool drained = false;
  api_.drain([&] { drained = true; });
  io_linux::run_until(loop_, [&] { return drained && ended; });
}

TEST_F(ThawV1, AFollowerThatLeavesIsForgotten) {
  deploy("demo");
  for (int i = 0; i < 70; ++i) {  // more than may follow at once
    bool head = false;
    auto running =
        client_.stream(address_, {.target = "/thaw/v1/services/demo/logs?follow=true"}, seconds(10),
                       {.on_head =
                            [&](const http::Response& answer) {
                              EXPECT_EQ(answer.status, 200) << i;
                              head = true;
                            },
                        .on_content = [](std::string_view) {},
                        .on_end = [](Status) {}});
    io_linux::run_until(loop_, [&] { return head; });
    running.reset();
    loop_.turn(milliseconds(1));
    loop_.turn(milliseconds(1));
  }
  logs_.append(log_line("nobody hears it"));
}

TEST_F(ThawV1, AFollowerThatTakesNothingIsCutAndDoesNotHoldTheOthersUp) {
  deploy("demo");
  std::unique_ptr<io::Stream> deaf;
  const auto connecting = net_.connect(address_, [&](auto stream) { deaf = *std::move(stream); });
  io_linux::run_until(loop_, [&] { return deaf != nullptr; });
  io_linux::write_text(*deaf,
                       "GET /thaw/v1/services/demo/logs?follow=true HTTP/1.1\r\n"
                       "Host: localhost\r\n\r\n");
  int lines = 0;
  bool head = false;
  const auto hearing =
      client_.stream(address_, {.target = "/thaw/v1/services/demo/logs?follow=true"}, seconds(10),
                     {.on_head = [&](const http::Response&) { head = true; },
                      .on_content =
                          [&](std::string_view text) {
                            lines += static_cast<int>(std::count(text.begin(), text.end(), '\n'));
                          },
                      .on_end = [](Status) {}});
  io_linux::run_until(loop_, [&] { return head; });
  for (int i = 0; i < 50; ++i) {
    logs_.append(log_line(std::string(60'000, 'x')));
    loop_.turn(Duration(0));
  }
  io_linux::run_until(loop_, [&] { return lines == 50; });
}

TEST_F(ThawV1, ASourceIsMadeShownAndDeletedAndItsFaultsNameTheField) {
  deploy("worker");
  const auto body = [](std::string_view service, std::string_view more) {
    return fmt::format(R"({{"name":"papers","service":"{}","stream":"papers","group":"g",)"
                       R"("redis":{{"address":"127.0.0.1:1"}}{}}})",
                       service, more);
  };
  const auto post = [&](const std::string& text) { return call("POST", "/thaw/v1/sources", text); };
  EXPECT_THAT(refused(post(body("wroker", "")), 400), HasSubstr("did you mean 'worker'"));
  EXPECT_THAT(refused(post(body("worker", R"(,"batsh":3)")), 400), HasSubstr("batsh: is unknown"));
  EXPECT_THAT(refused(post(body("worker", R"(,"batch":0)")), 400), HasSubstr("batch: 0: must be"));
  EXPECT_EQ(post(body("worker", "")).status, 200);
  refused(post(body("worker", "")), 409);
  EXPECT_EQ(get("/thaw/v1/sources/papers")["status"].string_or("state"), "connecting");
  EXPECT_EQ(get("/thaw/v1/sources")["sources"].as_array().size(), 1u);
  EXPECT_EQ(call("DELETE", "/thaw/v1/sources/papers").status, 200);
  refused(call("GET", "/thaw/v1/sources/papers"), 404);
}

}  // namespace
}  // namespace thaw::api

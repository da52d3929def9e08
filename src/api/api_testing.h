// For tests of the API: it over real loopback sockets, with the rooms behind it and a sandbox of
// the test's.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "api/api.h"
#include "control/control_testing.h"
#include "domains/domains.h"
#include "http/client.h"
#include "io_linux/local_disk.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"
#include "io_linux/thread_worker.h"
#include "jobs/jobs_testing.h"
#include "serving/serving_testing.h"

namespace thaw::api {

inline const std::string kServices = "/apis/serving.knative.dev/v1/namespaces/p1/services";
inline const std::string kRevisions = "/apis/serving.knative.dev/v1/namespaces/p1/revisions";

inline std::string service_body(const std::string& name, const std::string& word = "one") {
  return R"({"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":")" + name +
         R"(","labels":{"team":"a"}},"spec":{"template":{"metadata":{"labels":)"
         R"({"client.knative.dev/nonce":"n-)" +
         word +
         R"("}},"spec":{"containers":[{"image":"thaw.local/host","command":["/bin/program"],)"
         R"("args":[")" +
         word + R"("]}]}}}})";
}

/// One for all tests: to make one takes most of a second.
inline const identity::SigningKey& signing_key() {
  static const identity::SigningKey kKey = *identity::SigningKey::make();
  return kKey;
}

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    EXPECT_TRUE(meter_.load());
    auto address = api_.listen({"127.0.0.1", 0});
    EXPECT_TRUE(address);
    address_ = *address;
  }
  ~ApiTest() override { std::filesystem::remove_all(folder_); }

  static std::string new_folder() {
    char path[] = "/tmp/thaw-api-XXXXXX";
    return ::mkdtemp(path);
  }

  http::Response call(const std::string& method, const std::string& target, std::string body = "",
                      const http::Headers& headers = {}) {
    http::Request request{.method = method, .target = target, .headers = headers};
    request.body = std::move(body);
    Result<http::Response> answer = Error(Code::kUnknown, "no answer");
    bool done = false;
    const auto running =
        client_.fetch(address_, std::move(request), seconds(10), [&](Result<http::Response> got) {
          answer = std::move(got);
          done = true;
        });
    io_linux::run_until(loop_, [&] { return done; });
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message());
    return answer ? *answer : http::Response{};
  }
  Json get(const std::string& target) {
    const http::Response response = call("GET", target);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    auto json = Json::parse(response.body);
    EXPECT_TRUE(json) << response.body;
    return json ? *json : Json();
  }
  /// The error's message, its status checked.
  std::string refused(const http::Response& response, int status) {
    EXPECT_EQ(response.status, status) << response.body;
    const auto json = Json::parse(response.body);
    EXPECT_TRUE(json) << response.body;
    if (!json) return "";
    EXPECT_EQ((*json)["error"].int_or("code", 0), status);
    return (*json)["error"].string_or("message");
  }
  std::string deploy(const std::string& name, const std::string& word = "one") {
    EXPECT_EQ(call("POST", kServices, service_body(name, word)).status, 200);
    return bench_.latest(name);
  }

  std::string folder_ = new_folder();
  io_linux::EpollLoop loop_;
  io_linux::TcpNet net_{loop_};
  io_linux::LocalDisk disk_;
  io_linux::ThreadWorker worker_{loop_};
  control::Bench bench_;
  serving::CountingEntropy entropy_;
  serving::FakeSandbox sandbox_;
  serving::FakeProber prober_;
  serving::RecordingObserver observer_;
  serving::Serving serving_{loop_, loop_, entropy_, sandbox_, prober_, observer_, {}};
  telemetry::Logs logs_{disk_, folder_};
  telemetry::RequestLog requests_{loop_, worker_, disk_, logs_, {}};
  telemetry::Starts starts_;
  telemetry::Metrics metrics_;
  telemetry::Alerts alerts_;
  std::unique_ptr<store::Database> database_ = *store::open_state(":memory:", control::kStart);
  billing::SqliteLedger ledger_{*database_};
  billing::Meter meter_{loop_, loop_, worker_, ledger_, {}};
  std::unique_ptr<store::Database> bus_database_ =
      *store::open_state(folder_ + "/bus.db", control::kStart);
  std::unique_ptr<store::Database> journal_database_ =
      *store::open_state(folder_ + "/bus.db", control::kStart);
  struct NoCourier final : messaging::Courier {
    std::unique_ptr<messaging::Errand> deliver(const std::string&, http::Request, Duration,
                                               std::function<void(Outcome)>) override {
      return nullptr;
    }
  } courier_;
  messaging::SourceCatalog source_catalog_{*database_};
  messaging::Sources sources_{
      {net_, loop_, courier_, [](const auto&) { return Result<std::string>(""); },
       [](const auto&, const auto&) {}},
      source_catalog_,
      entropy_};
  messaging::Bus bus_{loop_, entropy_, worker_, *bus_database_, *journal_database_};
  identity::Guard guard_{*database_, loop_, signing_key(), "http://issuer"};
  identity::ServiceAccounts accounts_{
      {.database = *database_, .clock = loop_, .entropy = entropy_, .worker = worker_}};
  pipeline::Catalog pipelines_{*database_};
  struct Nobody final : domains::Listener, domains::Names {
    void on_mappings() override {}
    void on_certificate(const std::string&, tls::SharedCertificate) override {}
    void on_unmapped(const std::string&) override {}
    std::unique_ptr<domains::Lookup> find(const std::string&, OnFound) override { return nullptr; }
  } nobody_;
  domains::Domains domains_{{net_, loop_, disk_, entropy_, nobody_, *database_, nobody_, nullptr},
                            {.folder = folder_, .directory = "", .email = ""}};
  jobs::NoObserver no_observer_;
  jobs::Catalog job_catalog_{*database_};
  jobs::Jobs jobs_{{loop_, loop_, entropy_, sandbox_, job_catalog_, no_observer_, {}, {}}};
  Api api_{net_,
           loop_,
           Rooms{bench_.controller, serving_, logs_, requests_, starts_, metrics_, alerts_, meter_,
                 bus_, sources_, guard_, accounts_, pipelines_, &domains_, &jobs_},
           {.version = "1.2.3", .isolation_notice = ""}};
  http::Client client_{net_, loop_};
  io::SocketAddress address_;
};

}  // namespace thaw::api

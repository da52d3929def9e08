// Spans on their way to a collector that is a name and speaks TLS.
#include "app/otlp_link.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "http/server.h"
#include "io_linux/kernel_entropy.h"
#include "io_linux/thread_worker.h"
#include "telemetry/span_exporter.h"
#include "tls/server_net.h"
#include "tls/tls_testing.h"

namespace thaw::app {
namespace {

using tls::HandshakeFault;

/// Every name is this machine, but for one that nobody knows.
class FakeNames final : public domains::Names {
 public:
  explicit FakeNames(io::Loop& loop) : loop_(loop) {}
  std::unique_ptr<domains::Lookup> find(const std::string& host, OnFound on_found) override {
    asked.push_back(host);
    struct Later final : domains::Lookup {
      io::Timer timer;
    };
    auto lookup = std::make_unique<Later>();
    lookup->timer = loop_.after(Duration::zero(), [host, on_found = std::move(on_found)] {
      if (host == "unknown.test") return on_found(Error(Code::kUnavailable, "no address"));
      on_found(std::vector<std::string>{"127.0.0.1"});
    });
    return lookup;
  }
  std::vector<std::string> asked;

 private:
  io::Loop& loop_;
};

class OtlpLinkTest : public testing::Test {
 protected:
  UpOptions::Otlp options(std::string host) {
    UpOptions::Otlp otlp;
    otlp.scheme = UpOptions::Otlp::Scheme::kHttps;
    otlp.to = {.ip = std::move(host), .port = address_.port};
    otlp.authority = fmt::format("{}:{}", otlp.to.ip, address_.port);
    otlp.roots = folder_.put("roots.pem", authority_.root_pem());
    return otlp;
  }
  /// One span that is sent, or given up after a try.
  telemetry::SpanExporter::Counts send(const UpOptions::Otlp& otlp) {
    const auto link = OtlpLink::open({net_, loop_, folder_.disk, names_}, otlp);
    EXPECT_TRUE(link) << link.error().message();
    telemetry::SpanExporter::Options to{.to = otlp.to, .host = otlp.authority};
    to.policy = {.delay = milliseconds(1), .first_wait = milliseconds(1), .attempts = 1};
    telemetry::SpanExporter exporter((*link)->net(), loop_, worker_, entropy_, to);
    exporter.add({.time = WallTime(seconds(1'800'000'000)),
                  .status = 200,
                  .span = 1,
                  .sampled = true,
                  .service = "demo",
                  .method = "GET",
                  .host = "demo.localhost",
                  .target = "/",
                  .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"});
    io_linux::run_until(
        loop_, [&] { return exporter.counts().exported + exporter.counts().rejected > 0; });
    return exporter.counts();
  }

  tls::Folder folder_;
  io_linux::EpollLoop loop_;
  io_linux::TcpNet net_{loop_};
  io_linux::KernelEntropy entropy_;
  io_linux::ThreadWorker worker_{loop_};
  FakeNames names_{loop_};
  tls::Authority authority_ =
      *tls::Authority::load_or_make(folder_.disk, folder_ / "ca", loop_.wall_now());
  tls::ServerContext context_{
      [certificate = std::make_shared<const tls::Certificate>(*authority_.issue(
           {"collector.test"}, loop_.wall_now()))](std::string_view) { return certificate; }};
  tls::ServerNet tls_{net_, loop_, context_};
  std::vector<http::Request> got_;
  http::Server server_{tls_, loop_, {}, [this](http::Request request, http::Responder responder) {
                         got_.push_back(std::move(request));
                         responder.answer({200, {}, {}});
                       }};
  io::SocketAddress address_ = *server_.listen({"127.0.0.1", 0});
};

TEST_F(OtlpLinkTest, SpansGoThroughTlsToTheNamedCollector) {
  EXPECT_EQ(send(options("collector.test")).exported, 1u);
  ASSERT_EQ(got_.size(), 1u);
  EXPECT_EQ(got_[0].host, fmt::format("collector.test:{}", address_.port));
  EXPECT_EQ(names_.asked, std::vector<std::string>{"collector.test"});
  EXPECT_EQ(tls_.counts().done, 1u);
}

TEST_F(OtlpLinkTest, ACollectorThatIsNotWhoItShouldBeGetsNothing) {
  EXPECT_EQ(send(options("another.test")).rejected, 1u);
  EXPECT_EQ(send(options("127.0.0.1")).rejected, 1u);
  UpOptions::Otlp strange = options("collector.test");
  strange.roots = "";  // the machine's own do not know our authority
  EXPECT_EQ(send(strange).rejected, 1u);
  EXPECT_TRUE(got_.empty());
  io_linux::run_until(loop_, [&] { return tls_.counts().of(HandshakeFault::kAlert) == 3; });
  EXPECT_EQ(tls_.counts().done, 0u);
}

TEST_F(OtlpLinkTest, ANameWithoutAnAddressIsATryThatFailed) {
  EXPECT_EQ(send(options("unknown.test")).rejected, 1u);
  EXPECT_EQ(tls_.counts().done, 0u);
}

TEST_F(OtlpLinkTest, HttpNeedsNoRootsAndFilesThatAreNoneAreNamed) {
  UpOptions::Otlp otlp = options("collector.test");
  otlp.roots = folder_ / "absent.pem";
  const auto absent = OtlpLink::open({net_, loop_, folder_.disk, names_}, otlp);
  ASSERT_FALSE(absent);
  EXPECT_THAT(absent.error().message(), testing::HasSubstr("absent.pem"));
  otlp.scheme = UpOptions::Otlp::Scheme::kHttp;
  EXPECT_TRUE(OtlpLink::open({net_, loop_, folder_.disk, names_}, otlp));
}

}  // namespace
}  // namespace thaw::app

#include "probes/net_prober.h"

#include <gtest/gtest.h>

#include "serving/serving_testing.h"

namespace thaw::probes {
namespace {

using serving::FakeTime;
using serving::Probe;
using serving::Prober;
using serving::Probing;

/// A peer that is refused, silent, or answers.
class FakeNet final : public io::Net {
 public:
  explicit FakeNet(FakeTime& time) : time_(time) {}

  Result<std::unique_ptr<io::Listener>> listen(const io::SocketAddress&, OnAccept) override {
    return Error(Code::kUnimplemented, "not here");
  }
  std::unique_ptr<io::Connecting> connect(const io::SocketAddress&, OnConnect done) override {
    attempts.push_back(time_.now());
    auto connecting = std::make_unique<Pending>();
    if (mode == Mode::kSilent) return connecting;
    connecting->timer = time_.after(Duration(0), [this, done] {
      if (mode == Mode::kRefused) return done(Error(Code::kUnavailable, "refused"));
      done(std::unique_ptr<io::Stream>(std::make_unique<Stream>(*this)));
    });
    return connecting;
  }

  enum class Mode { kRefused, kSilent, kConnects } mode = Mode::kRefused;
  std::vector<Instant> attempts;
  std::string request;  // of all attempts
  std::string answer;
  size_t piece = 1000;  // bytes a read gives
  bool ends = true;     // after the answer, or stays silent
  int open = 0;

 private:
  struct Pending final : io::Connecting {
    io::Timer timer;
  };
  class Stream final : public io::Stream {
   public:
    explicit Stream(FakeNet& net) : net_(net) { ++net_.open; }
    ~Stream() override { --net_.open; }
    io::Transfer read(std::span<char> into) override {
      const size_t left = net_.answer.size() - read_;
      const size_t bytes = std::min({into.size(), left, net_.piece});
      if (bytes == 0) {
        return {net_.ends ? io::Transfer::State::kEnd : io::Transfer::State::kWouldBlock};
      }
      std::copy_n(net_.answer.data() + read_, bytes, into.data());
      read_ += bytes;
      return {io::Transfer::State::kMoved, bytes};
    }
    io::Transfer write(std::span<const std::string_view> parts) override {
      const std::string_view piece = parts[0].substr(0, 7);  // a slow pipe
      net_.request += piece;
      return {io::Transfer::State::kMoved, piece.size()};
    }
    void shutdown_write() override {}
    void set_events(io::StreamEvents* events) override {
      timer_ = net_.time_.after(Duration(0), [events] { events->on_readable(); });
    }
    io::SocketAddress peer() const override { return {}; }

   private:
    FakeNet& net_;
    size_t read_ = 0;
    io::Timer timer_;
  };
  FakeTime& time_;
};

class NetProberTest : public testing::Test {
 protected:
  void begin(const Probe& probe) {
    probing_ = prober_.probe({"127.0.0.1", 8080}, probe,
                             [this](Prober::Outcome outcome, std::string_view why) {
                               outcome_ = outcome;
                               why_ = why;
                               ++answers_;
                               probing_.reset();
                             });
  }
  static Probe http() {
    Probe probe;
    probe.kind = Probe::Kind::kHttpGet;
    probe.path = "/ready";
    return probe;
  }

  FakeTime time_;
  FakeNet net_{time_};
  NetProber prober_{time_, time_, net_};
  std::unique_ptr<Probing> probing_;
  std::optional<Prober::Outcome> outcome_;
  std::string why_;
  int answers_ = 0;
};

TEST_F(NetProberTest, PassesAtTheFirstConnectionAndNeverInsideTheCall) {
  net_.mode = FakeNet::Mode::kConnects;
  begin(Probe());
  EXPECT_EQ(answers_, 0);
  time_.turn();
  EXPECT_EQ(outcome_, Prober::Outcome::kPassed);
  EXPECT_EQ(net_.open, 0);
  time_.run_until(1000);
  EXPECT_EQ(answers_, 1);
}

TEST_F(NetProberTest, FirstAttemptsAreAMillisecondApartLaterOnesATenthOfASecond) {
  begin(Probe());
  time_.run_until(0.0105);
  EXPECT_EQ(net_.attempts.size(), 11U);  // at 0, 1, ... 10 ms
  time_.run_until(20);
  net_.attempts.clear();
  time_.run_until(30);
  EXPECT_NEAR(static_cast<double>(net_.attempts.size()), 100, 1);
  net_.mode = FakeNet::Mode::kConnects;
  time_.run_until(30.11);
  EXPECT_EQ(outcome_, Prober::Outcome::kPassed);
}

TEST_F(NetProberTest, GivesUpAfterTheDelayAndAllPeriods) {
  Probe probe;
  probe.initial_delay = seconds(5);
  probe.period = seconds(2);
  probe.timeout = seconds(1);
  probe.failure_threshold = 3;
  begin(probe);
  time_.run_until(4.999);
  EXPECT_TRUE(net_.attempts.empty());
  time_.run_until(10.999);
  EXPECT_EQ(answers_, 0);
  EXPECT_FALSE(net_.attempts.empty());
  time_.run_until(11);
  EXPECT_EQ(outcome_, Prober::Outcome::kFailed);
  EXPECT_EQ(time_.pending(), 0U);
}

TEST_F(NetProberTest, ASilentPeerIsTriedAgainAfterTheTimeout) {
  Probe probe;
  probe.timeout = seconds(1);
  net_.mode = FakeNet::Mode::kSilent;
  begin(probe);
  time_.run_until(0.9);
  EXPECT_EQ(net_.attempts.size(), 1U);
  time_.run_until(1.2);
  EXPECT_EQ(net_.attempts.size(), 2U);
}

TEST_F(NetProberTest, DroppingTheProbingGivesUpSilently) {
  begin(Probe());
  time_.run_until(1);
  probing_.reset();
  EXPECT_EQ(time_.pending(), 0U);
  EXPECT_EQ(answers_, 0);
}

TEST_F(NetProberTest, HttpSendsOneWholeRequestWithTheHeadersGiven) {
  Probe probe = http();
  probe.headers = {{"X-Key", "v"}, {"host", "example"}};
  net_.mode = FakeNet::Mode::kConnects;
  net_.answer = "HTTP/1.1 200 OK\r\n\r\n";
  begin(probe);
  time_.turn();
  EXPECT_EQ(outcome_, Prober::Outcome::kPassed);
  EXPECT_EQ(net_.request,
            "GET /ready HTTP/1.1\r\nX-Key: v\r\nhost: example\r\nUser-Agent: thaw-probe/1.0\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n");
}

TEST_F(NetProberTest, HttpPassesWith2xxAnd3xxOnly) {
  struct Row {
    std::string answer;
    bool passes;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\n", true},
      {"HTTP/1.0 204\r\n", true},
      {"HTTP/1.1 200\n", true},
      {"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", true},
      {"HTTP/1.1 399 \r\n", true},
      {"HTTP/1.1 404 Not Found\r\n", false},
      {"HTTP/1.1 503 Later\r\n", false},
      {"HTTP/1.1 100 Continue\r\n", false},
      {"HTTP/1.1 2000\r\n", false},
      {"HTTP/1.1 20\r\n", false},
      {"HTTP/1.1200 OK\r\n", false},
      {"HTTP/1.1 2x0 OK\r\n", false},
      {"HTTP/1.1 200 OK", false},  // ended within the line
      {"SSH-2.0-OpenSSH\r\n", false},
      {"\n", false},
      {"", false},
      {std::string(5000, 'x'), false},
      {"HTTP/1.1 200 " + std::string(5000, 'x'), false},  // a line without an end
  };
  for (const Row& row : rows) {
    for (const size_t piece : {size_t{1}, size_t{1000}}) {
      FakeNet net(time_);
      net.mode = FakeNet::Mode::kConnects;
      net.answer = row.answer;
      net.piece = piece;
      NetProber prober(time_, time_, net);
      std::optional<Prober::Outcome> outcome;
      auto probing = prober.probe({"127.0.0.1", 8080}, http(),
                                  [&](Prober::Outcome o, std::string_view) { outcome = o; });
      time_.turn();
      EXPECT_EQ(outcome.has_value(), row.passes) << row.answer.substr(0, 40);
      EXPECT_EQ(net.open, 0) << row.answer.substr(0, 40);
    }
  }
}

TEST_F(NetProberTest, HttpWithoutAnAnswerIsTriedAgainAfterTheTimeout) {
  Probe probe = http();
  probe.timeout = seconds(1);
  net_.mode = FakeNet::Mode::kConnects;
  net_.ends = false;
  begin(probe);
  time_.run_until(0.9);
  EXPECT_EQ(net_.attempts.size(), 1U);
  net_.answer = "HTTP/1.1 200 OK\r\n";
  time_.run_until(1.1);
  EXPECT_EQ(outcome_, Prober::Outcome::kPassed);
}

TEST_F(NetProberTest, AStartThatNeverPassesSaysWhatTheLastTryMet) {
  Probe probe = http();
  probe.period = probe.timeout = seconds(1);
  net_.mode = FakeNet::Mode::kConnects;
  net_.answer = "HTTP/1.1 503 Later\r\n";
  begin(probe);
  time_.run_until(1);
  EXPECT_EQ(outcome_, Prober::Outcome::kFailed);
  EXPECT_EQ(why_, "GET /ready on port 8080 was answered with 503");
}

TEST_F(NetProberTest, ACheckIsOneTryAndSaysWhyItFailed) {
  struct Row {
    FakeNet::Mode mode;
    std::string answer;
    bool ends;
    std::string why;  // "": passes
  };
  using Mode = FakeNet::Mode;
  const Row rows[] = {
      {Mode::kConnects, "HTTP/1.1 204 No Content\r\n", true, ""},
      {Mode::kConnects, "HTTP/1.1 500 No\r\n", true,
       "GET /ready on port 8080 was answered with 500"},
      {Mode::kConnects, "SSH-2.0\r\n", true,
       "GET /ready on port 8080 was answered with something that is not HTTP/1"},
      {Mode::kConnects, "", true,
       "GET /ready on port 8080: the connection was closed without an answer"},
      {Mode::kConnects, "", false, "no answer on port 8080 within 2 s"},
      {Mode::kSilent, "", false, "no answer on port 8080 within 2 s"},
      {Mode::kRefused, "", false, "nothing listens on port 8080"},
  };
  for (const Row& row : rows) {
    FakeTime time;
    FakeNet net(time);
    net.mode = row.mode;
    net.answer = row.answer;
    net.ends = row.ends;
    NetProber prober(time, time, net);
    Probe probe = http();
    probe.timeout = seconds(2);
    std::optional<Prober::Outcome> outcome;
    std::string why;
    std::unique_ptr<Probing> check;
    check = prober.check({"127.0.0.1", 8080}, probe, [&](Prober::Outcome o, std::string_view w) {
      outcome = o;
      why = w;
      check.reset();
    });
    EXPECT_FALSE(outcome);
    time.run_until(10);
    ASSERT_TRUE(outcome) << row.why;
    EXPECT_EQ(outcome == Prober::Outcome::kPassed, row.why.empty());
    EXPECT_EQ(why, row.why);
    EXPECT_EQ(net.attempts.size(), 1U);
    EXPECT_EQ(net.open, 0);
    EXPECT_EQ(time.pending(), 0U);
  }
}

}  // namespace
}  // namespace thaw::probes

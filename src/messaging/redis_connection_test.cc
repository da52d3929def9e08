// Against a server of the test's own that speaks as Redis does, or does not.
#include "messaging/redis_connection.h"

#include <gtest/gtest.h>

#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"

namespace thaw::messaging {
namespace {

using io_linux::Collector;
using io_linux::run_until;

class RedisConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    listener_ = *net_.listen({"127.0.0.1", 0}, [this](std::unique_ptr<io::Stream> stream) {
      server_ = std::make_unique<Collector>(std::move(stream));
    });
  }
  void open(RedisLogin login = {}) {
    login.address = listener_->address();
    connection_ = std::make_unique<RedisConnection>(net_, loop_, login,
                                                    [this](const Error& error) { end_ = error; });
  }
  void send(RedisConnection::Words words, Duration timeout = seconds(60)) {
    connection_->send(std::move(words), timeout,
                      [this](const Result<RedisReply>& reply) { replies_.push_back(reply); });
  }
  void answer(std::string_view text) {
    run_until(loop_, [&] { return server_ != nullptr && !server_->text.empty(); });
    io_linux::write_text(*server_->stream, text);
  }
  void until_ended() {
    run_until(loop_, [&] { return end_.has_value(); });
  }

  io_linux::EpollLoop loop_;
  io_linux::TcpNet net_{loop_};
  std::unique_ptr<io::Listener> listener_;
  std::unique_ptr<Collector> server_;
  std::unique_ptr<RedisConnection> connection_;
  std::vector<Result<RedisReply>> replies_;
  std::optional<Error> end_;
};

TEST_F(RedisConnectionTest, CommandsArePipelinedAndAnsweredInOrder) {
  open();
  send({"PING"});
  send({"GET", "a b"});
  send({"XINFO"});
  answer("+PONG\r\n$-1\r\n*2\r\n:7\r\n*1\r\n$1\r\nx\r\n");
  run_until(loop_, [&] { return replies_.size() == 3; });
  EXPECT_EQ(server_->text,
            "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$3\r\na b\r\n*1\r\n$5\r\nXINFO\r\n");
  EXPECT_EQ(replies_[0]->text, "PONG");
  EXPECT_EQ(replies_[1]->kind, RedisReply::Kind::kNil);
  EXPECT_EQ(replies_[2]->items[0].integer, 7);
  EXPECT_EQ(replies_[2]->items[1].items[0].text, "x");
}

TEST_F(RedisConnectionTest, ARefusedPasswordEndsItAndIsNotShown) {
  open({.user = "me", .password = "secret"});
  answer("-WRONGPASS invalid\r\n");
  until_ended();
  EXPECT_EQ(end_->code(), Code::kUnauthenticated);
  EXPECT_EQ(end_->message().find("secret"), std::string::npos);
}

TEST_F(RedisConnectionTest, WhatIsPendingWhenItBreaksIsAnswered) {
  open();
  send({"A"});
  send({"B"});
  answer("+OK\r\n");
  run_until(loop_, [&] { return replies_.size() == 1; });
  server_.reset();
  until_ended();
  ASSERT_EQ(replies_.size(), 2u);
  EXPECT_EQ(replies_[1].error().code(), Code::kUnavailable);
  send({"C"});
  run_until(loop_, [&] { return replies_.size() == 3; });
  EXPECT_EQ(replies_[2].error().code(), Code::kUnavailable);
}

TEST_F(RedisConnectionTest, WhatIsNoRedisIsSaid) {
  open();
  send({"A"});
  answer("HTTP/1.1 400 Bad Request\r\n\r\n");
  until_ended();
  EXPECT_NE(end_->message().find("does not answer as Redis does"), std::string::npos);
}

TEST_F(RedisConnectionTest, ACommandWithoutAnAnswerInTimeBreaksIt) {
  open();
  send({"A"}, milliseconds(1));
  until_ended();
  EXPECT_NE(end_->message().find("no answer to A in time"), std::string::npos);
}

TEST_F(RedisConnectionTest, MayBeDroppedInsideItsOwnCallback) {
  open();
  connection_->send({"A"}, seconds(60), [this](const Result<RedisReply>&) {
    connection_.reset();
    end_ = Error(Code::kCancelled, "dropped");
  });
  send({"B"});
  answer("+1\r\n+2\r\n");
  until_ended();
  EXPECT_TRUE(replies_.empty());
}

}  // namespace
}  // namespace thaw::messaging

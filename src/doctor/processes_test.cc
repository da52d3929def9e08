#include "doctor/processes.h"

#include <gtest/gtest.h>

#include "doctor/network_trap.h"
#include "doctor/requests.h"

namespace thaw::doctor {
namespace {

using Reach = Listening::Reach;
using Waits = IdleThread::Waits;

TEST(ListeningSockets, AreReadWithTheirReach) {
  const char* const text =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "101 1 0\n"
      "   1: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "102 1 0\n"
      "   2: 0A01A8C0:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "103 1 0\n"
      "   3: 0100007F:1F92 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 "
      "104 1 0\n";
  const auto found = parse_listening(text);
  ASSERT_EQ(found.size(), 3U) << "connections are none";
  EXPECT_EQ(found.at(101), (Listening{"0.0.0.0", 8080, Reach::kAnywhere}));
  EXPECT_EQ(found.at(102), (Listening{"127.0.0.1", 8081, Reach::kLoopback}));
  EXPECT_EQ(found.at(103), (Listening{"192.168.1.10", 80, Reach::kOneAddress}));
}

TEST(ListeningSockets, OfIPv6AreReadToo) {
  const std::string rest = " 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 ";
  const auto found = parse_listening("0: 00000000000000000000000000000000:1F90" + rest + "1 x\n" +
                                     "1: 00000000000000000000000001000000:1F90" + rest + "2 x\n" +
                                     "2: 0000000000000000FFFF00000100007F:1F90" + rest + "3 x\n");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found.at(1).reach, Reach::kAnywhere);
  EXPECT_EQ(found.at(2).reach, Reach::kLoopback);
  EXPECT_EQ(found.at(3), (Listening{"127.0.0.1", 8080, Reach::kLoopback})) << "mapped IPv4";
}

TEST(Wait, TimersAreToldFromDescriptors) {
  const std::string rest = " 0x7f 0x7f\n";
  EXPECT_EQ(parse_wait("230 0x0 0x0 0x7ff 0x0 0x0 0x0" + rest), Waits::kOnTimer);
  EXPECT_EQ(parse_wait("23 0x0 0x0 0x0 0x0 0x7ff 0x0" + rest), Waits::kOnTimer);
  EXPECT_EQ(parse_wait("23 0x5 0x7ff 0x0 0x0 0x7ff 0x0" + rest), Waits::kElsewhere);
  EXPECT_EQ(parse_wait("202 0x7f 0x189 0x0 0x7ffe 0x0 0xffffffff" + rest), Waits::kOnTimedLock);
  EXPECT_EQ(parse_wait("202 0x7f 0x189 0x0 0x0 0x0 0xffffffff" + rest), Waits::kElsewhere);
  EXPECT_EQ(parse_wait("232 0x4 0x7f 0x400 0x64 0x0 0x8" + rest), Waits::kElsewhere);
  EXPECT_EQ(parse_wait("running\n"), Waits::kElsewhere);
  EXPECT_EQ(parse_wait(""), Waits::kElsewhere);
}

TEST(Sigterm, IsReadFromTheMasks) {
  using Signal = StopFacts::Signal;
  const auto with = [](const char* blocked, const char* ignored, const char* caught) {
    return sigterm_of(std::string("SigBlk:\t") + blocked + "\nSigIgn:\t" + ignored + "\nSigCgt:\t" +
                      caught + "\n");
  };
  EXPECT_EQ(with("0000000000000000", "0000000000001000", "0000000000000002"), Signal::kDefault);
  EXPECT_EQ(with("0000000000000000", "0000000000005000", "0000000000000002"), Signal::kIgnored);
  EXPECT_EQ(with("0000000000000000", "0000000000001000", "0000000000004002"), Signal::kCaught);
  EXPECT_EQ(with("0000000000004000", "0000000000000000", "0000000000000000"), Signal::kCaught);
}

TEST(DnsQuestion, IsReadWhole) {
  const std::string head("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  const std::string packet = head + std::string(
                                        "\x03www\x07"
                                        "example\x03"
                                        "com\x00\x00\x01\x00\x01",
                                        21);
  const DnsQuestion question = parse_dns_question(packet);
  EXPECT_EQ(question.name, "www.example.com");
  EXPECT_EQ(question.type, 1);
  EXPECT_EQ(question.end, packet.size());
  for (size_t length = 0; length < packet.size(); ++length) {
    EXPECT_TRUE(parse_dns_question(packet.substr(0, length)).name.empty()) << length;
  }
}

TEST(Staggered, IsOneAfterAnotherWhateverThePace) {
  const auto ends = [](std::initializer_list<double> millis) {
    std::vector<Duration> all;
    for (const double value : millis) all.push_back(milliseconds(value));
    return all;
  };
  EXPECT_TRUE(are_staggered(ends({100, 200, 300, 400})));
  EXPECT_TRUE(are_staggered(ends({130, 210, 330, 420}))) << "uneven on a busy machine";
  EXPECT_FALSE(are_staggered(ends({101, 102, 103, 104})));
  EXPECT_FALSE(are_staggered(ends({380, 390, 395, 400}))) << "threads that share one CPU";
  EXPECT_FALSE(are_staggered(ends({200, 201, 400, 401}))) << "two at a time";
  EXPECT_FALSE(are_staggered(ends({100, 110})));
}

}  // namespace
}  // namespace thaw::doctor

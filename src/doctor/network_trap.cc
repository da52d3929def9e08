#include "doctor/network_trap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>

#include "base/check.h"
#include "sandbox/own_fd.h"

namespace thaw::doctor {
namespace {

using sandbox::OwnFd;

constexpr Duration kLookEvery = milliseconds(5);
constexpr size_t kMost = 64;
constexpr uint32_t kFirstAnswer = 0xC6120001;     // 198.18.0.1: a range for tests
constexpr uint32_t kMetadataServer = 0xA9FEA9FE;  // 169.254.169.254, the platform's own
constexpr std::string_view kMetadataName = "metadata.google.internal";

unsigned byte_at(std::string_view text, size_t at) { return static_cast<unsigned char>(text[at]); }
unsigned short_at(std::string_view text, size_t at) {
  return byte_at(text, at) << 8 | byte_at(text, at + 1);
}
uint32_t word_at(std::string_view text, size_t at) {
  return short_at(text, at) << 16 | short_at(text, at + 2);
}

std::string number_text(uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255,
                     address & 255);
}

/// "local 0.0.0.0/0 dev lo": every address is this machine's.
Status lead_everything_here() {
  const OwnFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd) return errno_error("open a netlink socket", errno);
  struct {
    nlmsghdr head;
    rtmsg route;
    rtattr attribute;
    int device;
  } wish{};
  wish.head.nlmsg_len = sizeof wish;
  wish.head.nlmsg_type = RTM_NEWROUTE;
  wish.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
  wish.route.rtm_family = AF_INET;
  wish.route.rtm_table = RT_TABLE_LOCAL;
  wish.route.rtm_protocol = RTPROT_STATIC;
  wish.route.rtm_scope = RT_SCOPE_HOST;
  wish.route.rtm_type = RTN_LOCAL;
  wish.attribute.rta_type = RTA_OIF;
  wish.attribute.rta_len = RTA_LENGTH(sizeof(int));
  wish.device = static_cast<int>(::if_nametoindex("lo"));
  if (::send(fd.get(), &wish, sizeof wish, 0) < 0) return errno_error("add a route", errno);
  struct {
    nlmsghdr head;
    nlmsgerr error;
    char rest[256];
  } answer{};
  if (::recv(fd.get(), &answer, sizeof answer, 0) < 0) return errno_error("add a route", errno);
  if (answer.error.error != 0) return errno_error("add a route", -answer.error.error);
  return {};
}

Result<OwnFd> packet_socket() {
  OwnFd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_IP)));
  if (!fd) return errno_error("open a packet socket", errno);
  return fd;
}

Result<OwnFd> name_server_socket() {
  OwnFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  if (!fd || ::setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0 ||
      ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return errno_error("listen on port 53", errno);
  }
  return fd;
}

}  // namespace

DnsQuestion parse_dns_question(std::string_view packet) {
  constexpr size_t kHead = 12;
  DnsQuestion question;
  if (packet.size() < kHead || (byte_at(packet, 2) & 0x80) != 0 || short_at(packet, 4) != 1) {
    return question;
  }
  std::string name;
  size_t at = kHead;
  while (at < packet.size() && byte_at(packet, at) != 0) {
    const size_t length = byte_at(packet, at);
    if (length > 63 || at + 1 + length > packet.size() || name.size() > 255) return question;
    if (!name.empty()) name += '.';
    name += packet.substr(at + 1, length);
    at += 1 + length;
  }
  if (at + 5 > packet.size()) return question;
  question.name = name;
  question.type = static_cast<int>(short_at(packet, at + 1));
  question.end = at + 5;
  return question;
}

class NetworkTrap::Impl {
 public:
  Impl(OwnFd packets, OwnFd names, io::Timers& timers)
      : packets_(std::move(packets)), names_(std::move(names)), timers_(timers) {
    look_later();
  }

  std::vector<NetworkCall> calls() {
    read_packets();
    std::vector<NetworkCall> all;
    std::set<std::string> connected;
    for (const auto& [key, sources] : connections_) {
      const auto name = names_by_number_.find(key.first);
      const std::string host =
          name == names_by_number_.end() ? number_text(key.first) : name->second;
      connected.insert(host);
      all.push_back({host, key.second, static_cast<int>(sources.size())});
    }
    for (const auto& [name, tries] : looked_up_) {
      if (!connected.contains(name)) all.push_back({name, 0, tries});
    }
    return all;
  }

  void stop_counting() {
    read_packets();
    counting_ = false;
  }

 private:
  void look_later() {
    timer_ = timers_.after(kLookEvery, [this] {
      answer_names();
      read_packets();
      look_later();
    });
  }

  void read_packets() {
    char buffer[2048];
    for (;;) {
      sockaddr_ll from{};
      socklen_t size = sizeof from;
      const ssize_t got = ::recvfrom(packets_.get(), buffer, sizeof buffer, 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
      if (got <= 0) return;
      if (from.sll_pkttype == PACKET_OUTGOING || !counting_) continue;  // it comes again
      take_packet({buffer, static_cast<size_t>(got)});
    }
  }

  void take_packet(std::string_view packet) {
    if (packet.size() < 20) return;
    const size_t head = (byte_at(packet, 0) & 15U) * 4;
    const unsigned protocol = byte_at(packet, 9);
    if (packet.size() < head + (protocol == IPPROTO_TCP ? 14 : 8)) return;
    const uint32_t from = word_at(packet, 12);
    const uint32_t to = word_at(packet, 16);
    const auto source = static_cast<uint16_t>(short_at(packet, head));
    const auto port = static_cast<uint16_t>(short_at(packet, head + 2));
    if (protocol == IPPROTO_UDP && port != 53 && source != 53) return count(to, port, source);
    if (protocol != IPPROTO_TCP) return;
    constexpr unsigned kSyn = 2;
    constexpr unsigned kReset = 4;
    constexpr unsigned kAck = 16;
    const unsigned flags = byte_at(packet, head + 13);
    if ((flags & (kSyn | kAck)) == kSyn) return count(to, port, source);
    // Nobody listens on that port of this machine's: it meant a neighbour.
    const bool refused = (flags & kReset) != 0 && word_at(packet, head + 4) == 0;
    if (refused && from >> 24 == 127) put({from, source}, port);
  }

  void count(uint32_t to, uint16_t port, uint16_t source) {
    if (to >> 24 == 127 || to == kMetadataServer || to == metadata_answer_) return;
    put({to, port}, source);
  }

  void put(std::pair<uint32_t, uint16_t> key, uint16_t source) {
    if (connections_.size() < kMost || connections_.contains(key)) {
      connections_[key].insert(source);
    }
  }

  void answer_names() {
    char buffer[1500];
    for (;;) {
      sockaddr_in from{};
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))];
      iovec part{buffer, sizeof buffer};
      msghdr message{};
      message.msg_name = &from;
      message.msg_namelen = sizeof from;
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      const ssize_t got = ::recvmsg(names_.get(), &message, 0);
      if (got <= 0) return;
      std::string answer = answer_to({buffer, static_cast<size_t>(got)});
      if (answer.empty()) continue;
      // From the address that was asked: the control message that came says which.
      if (cmsghdr* head = CMSG_FIRSTHDR(&message)) {
        auto* info = reinterpret_cast<in_pktinfo*>(CMSG_DATA(head));
        info->ipi_spec_dst = info->ipi_addr;
        info->ipi_ifindex = 0;
      }
      part = {answer.data(), answer.size()};
      (void)::sendmsg(names_.get(), &message, 0);
    }
  }

  std::string answer_to(std::string_view packet) {
    const DnsQuestion question = parse_dns_question(packet);
    if (question.name.empty()) return "";
    std::string answer(packet.substr(0, question.end));
    answer[2] = static_cast<char>(0x81);  // an answer, recursion wanted
    answer[3] = static_cast<char>(0x80);  // and done, no error
    for (size_t i = 6; i < 12; ++i) answer[i] = 0;
    count_name(question.name);
    if (question.type != 1) return answer;  // only IPv4 has addresses here
    const uint32_t number = number_for(question.name);
    answer[7] = 1;
    answer += std::string("\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x3C\x00\x04", 12);
    for (int shift = 24; shift >= 0; shift -= 8) {
      answer += static_cast<char>(number >> static_cast<unsigned>(shift) & 255);
    }
    return answer;
  }

  void count_name(const std::string& name) {
    if (!counting_ || name == kMetadataName) return;
    if (looked_up_.size() < kMost || looked_up_.contains(name)) ++looked_up_[name];
  }

  uint32_t number_for(const std::string& name) {
    for (const auto& [number, known] : names_by_number_) {
      if (known == name) return number;
    }
    const uint32_t number = kFirstAnswer + static_cast<uint32_t>(names_by_number_.size() % kMost);
    names_by_number_[number] = name;
    if (name == kMetadataName) metadata_answer_ = number;
    return number;
  }

  OwnFd packets_;
  OwnFd names_;
  io::Timers& timers_;
  io::Timer timer_;
  bool counting_ = true;
  uint32_t metadata_answer_ = kMetadataServer;
  std::map<std::pair<uint32_t, uint16_t>, std::set<uint16_t>> connections_;
  std::map<std::string, int> looked_up_;
  std::map<uint32_t, std::string> names_by_number_;
};

NetworkTrap::NetworkTrap(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NetworkTrap::~NetworkTrap() = default;
std::vector<NetworkCall> NetworkTrap::calls() { return impl_->calls(); }
void NetworkTrap::stop_counting() { impl_->stop_counting(); }

Result<std::unique_ptr<NetworkTrap>> NetworkTrap::open(pid_t pid, io::Timers& timers) {
  const OwnFd own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const OwnFd there(::open(fmt::format("/proc/{}/ns/net", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!own || !there || ::setns(there.get(), CLONE_NEWNET) != 0) {
    return errno_error("enter the network namespace", errno);
  }
  const Status route = lead_everything_here();
  auto packets = packet_socket();
  auto names = name_server_socket();
  CHECK(::setns(own.get(), CLONE_NEWNET) == 0, "the way back is open");
  RETURN_IF_ERROR(route);
  if (!packets) return std::move(packets).error();
  if (!names) return std::move(names).error();
  return std::unique_ptr<NetworkTrap>(
      new NetworkTrap(std::make_unique<Impl>(*std::move(packets), *std::move(names), timers)));
}

}  // namespace thaw::doctor

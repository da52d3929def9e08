#include "domains/domains.h"

#include <gmock/gmock.h>

#include "domains/signing_request.h"
#include "io_linux/kernel_entropy.h"
#include "store/state.h"
#include "tls/authority.h"
#include "tls/tls_testing.h"

namespace thaw::domains {
namespace {

using testing::HasSubstr;

struct Heard final : Listener, Names {
  void on_mappings() override { ++mappings; }
  void on_certificate(const std::string& domain, tls::SharedCertificate certificate) override {
    EXPECT_TRUE(certificate->covers(domain));
    certified.push_back(domain);
  }
  void on_unmapped(const std::string& domain) override { unmapped.push_back(domain); }
  std::unique_ptr<Lookup> find(const std::string& host, OnFound found) override {
    looked_up.push_back(host);
    on_found = std::move(found);
    return std::make_unique<Lookup>();
  }
  int mappings = 0;
  std::vector<std::string> certified, unmapped, looked_up;
  OnFound on_found;
};

class DomainsTest : public testing::Test {
 protected:
  std::unique_ptr<Domains> open(const std::string& directory = "") {
    auto made = std::make_unique<Domains>(
        Domains::Parts{net, loop, folder.disk, entropy, heard, *database, heard, roots.get()},
        Domains::Options{.folder = folder / "domains", .directory = directory, .email = ""});
    const Status loaded = made->load();
    EXPECT_TRUE(loaded) << loaded.error().message();
    return made;
  }

  tls::Folder folder;
  io_linux::EpollLoop loop;
  io_linux::TcpNet net{loop};
  io_linux::KernelEntropy entropy;
  Heard heard;
  std::unique_ptr<store::Database> database =
      *store::open_state(":memory:", "2026-01-01T00:00:00Z");
  tls::Authority authority =
      *tls::Authority::load_or_make(folder.disk, folder / "ca", loop.wall_now());
  std::unique_ptr<tls::ClientContext> roots = *tls::ClientContext::make(authority.root_pem(), "");
  static constexpr auto kAutomatic = Domains::Certificates::kAutomatic;
};

TEST_F(DomainsTest, MappingsAreKept) {
  {
    auto all = open();
    ASSERT_TRUE(all->map("b.test.org", "web", kAutomatic));
    ASSERT_TRUE(all->map("a.test.org", "web", Domains::Certificates::kNone));
    ASSERT_TRUE(all->map("a.test.org", "other", Domains::Certificates::kNone));
  }
  auto all = open();
  ASSERT_EQ(all->list().size(), 2u);
  EXPECT_EQ(all->list()[0].mapping.domain, "a.test.org");
  EXPECT_EQ(all->list()[0].mapping.service, "other");
  EXPECT_FALSE(all->list()[0].mapping.automatic);
  EXPECT_EQ(all->of_service("web").size(), 1u);
  EXPECT_TRUE(all->unmap("a.test.org"));
  EXPECT_EQ(all->unmap("a.test.org").error().code(), Code::kNotFound);
  EXPECT_EQ(open()->list().size(), 1u);
}

TEST_F(DomainsTest, OnlyDomainsAreMapped) {
  auto all = open();
  for (const char* name : {"", "localhost", "A.test.org", "*.test.org", "a..org", ".org", "a b.org",
                           "../x.org", "a.test.org/", "a.test.org:80"}) {
    EXPECT_EQ(all->map(name, "web", kAutomatic).error().code(), Code::kInvalidArgument) << name;
  }
}

TEST_F(DomainsTest, AKeptCertificateIsServedAndADamagedOneIsAskedForAgain) {
  ASSERT_TRUE(open()->map("a.test.org", "web", kAutomatic));
  ASSERT_TRUE(open()->map("b.test.org", "web", kAutomatic));
  const auto pem = *authority.issue_pem({"a.test.org"}, loop.wall_now());
  ASSERT_TRUE(folder.disk.make_dirs(folder / "domains"));
  folder.put("domains/a.test.org.pem", pem.key + pem.chain);
  folder.put("domains/b.test.org.pem", pem.key.substr(0, 100));
  auto all = open("https://ca.test/dir");
  EXPECT_THAT(heard.certified, testing::ElementsAre("a.test.org"));
  EXPECT_EQ(all->get("a.test.org")->state, Domains::View::State::kReady);
  EXPECT_EQ(all->get("b.test.org")->state, Domains::View::State::kPending);
  io_linux::run_until(loop, [&] { return !heard.looked_up.empty(); });
  EXPECT_THAT(heard.looked_up, testing::ElementsAre("ca.test"));  // for one of them

  ASSERT_TRUE(all->unmap("a.test.org"));
  EXPECT_FALSE(folder.disk.exists(folder / "domains/a.test.org.pem"));
  EXPECT_THAT(heard.unmapped, testing::ElementsAre("a.test.org"));
}

TEST_F(DomainsTest, AFailureIsKeptAndToldOf) {
  auto all = open("https://ca.test/dir");
  ASSERT_TRUE(all->map("a.test.org", "web", kAutomatic));
  io_linux::run_until(loop, [&] { return heard.on_found != nullptr; });
  EXPECT_EQ(all->get("a.test.org")->state, Domains::View::State::kPending);
  heard.on_found(Error(Code::kUnavailable, "no address of 'ca.test'"));
  const auto state = [&] { return all->get("a.test.org")->state; };
  io_linux::run_until(loop, [&] { return state() == Domains::View::State::kFailed; });
  EXPECT_EQ(all->get("a.test.org")->mapping.trouble, "no address of 'ca.test'");
  const WallTime again = all->get("a.test.org")->mapping.retry_at;
  EXPECT_GT(again, loop.wall_now() + seconds(60));

  all = open("https://ca.test/dir");  // a restart does not come sooner
  EXPECT_EQ(state(), Domains::View::State::kFailed);
  EXPECT_LT(again - all->get("a.test.org")->mapping.retry_at, seconds(1));
  ASSERT_TRUE(all->map("a.test.org", "web", kAutomatic));  // but who asks again is heard
  io_linux::run_until(loop, [&] { return heard.looked_up.size() == 2; });
}

TEST_F(DomainsTest, AnOrderMayBeUnmappedInItsMiddle) {
  auto all = open("https://ca.test/dir");
  ASSERT_TRUE(all->map("a.test.org", "web", kAutomatic));
  io_linux::run_until(loop, [&] { return heard.on_found != nullptr; });
  ASSERT_TRUE(all->unmap("a.test.org"));
  for (int i = 0; i < 5; ++i) loop.turn(milliseconds(1));
  EXPECT_TRUE(all->list().empty());
}

TEST_F(DomainsTest, AnAccountKeyIsKeptAndPrivate) {
  const std::string path = folder / "account.key";
  const auto made = AccountKey::load_or_make(folder.disk, path);
  const auto again = AccountKey::load_or_make(folder.disk, path);
  ASSERT_TRUE(made && again);
  EXPECT_EQ(made->thumbprint(), again->thumbprint());
  EXPECT_EQ(made->thumbprint().size(), 43u);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(AccountKey::load_or_make(folder.disk, path).error().code(), Code::kFailedPrecondition);
  folder.put("account.key", "no key");
  EXPECT_THAT(AccountKey::load_or_make(folder.disk, path).error().message(),
              HasSubstr("is no P-256 key"));
}

TEST(SigningRequest, IsForAHostName) {
  EXPECT_TRUE(make_signing_request("a.test.org"));
  EXPECT_FALSE(make_signing_request("a.test.org,DNS:b"));
  EXPECT_FALSE(make_signing_request("*.test.org"));
}

TEST(HttpsUrl, IsTakenApart) {
  const auto url = parse_https_url("https://ca.test:14000/dir?x=1#part");
  ASSERT_TRUE(url) << url.error().message();
  EXPECT_EQ(url->host, "ca.test");
  EXPECT_EQ(url->port, 14000);
  EXPECT_EQ(url->authority, "ca.test:14000");
  EXPECT_EQ(url->target, "/dir?x=1");
  EXPECT_EQ(parse_https_url("https://[::1]:5/")->host, "::1");
  EXPECT_EQ(parse_https_url("https://ca.test")->target, "/");
  EXPECT_EQ(parse_https_url("https://ca.test?x")->target, "/?x");
  for (const char* bad : {"http://ca.test/", "https://", "https://:5/", "https://a@b/",
                          "https://ca.test:0/", "https://ca.test:70000/", "https://ca.test:/"}) {
    EXPECT_FALSE(parse_https_url(bad)) << bad;
  }
}

}  // namespace
}  // namespace thaw::domains

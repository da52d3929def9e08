#include "tls/served_certificates.h"

#include <gmock/gmock.h>

#include "tls/tls_testing.h"

namespace thaw::tls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FixedClock final : public io::Clock {
 public:
  Instant now() const override { return Instant(); }
  WallTime wall_now() const override { return wall; }
  WallTime wall = day(0);
};

class ServedTest : public testing::Test {
 protected:
  /// Files NAME.crt and NAME.key.
  CertificateSource put(const std::string& name, const std::string& host, int at = 0) {
    const Authority::Pem pem = *authority.issue_pem({host}, day(at));
    return {folder.put(name + ".crt", pem.chain, 0644), folder.put(name + ".key", pem.key)};
  }
  ServedCertificates made(ServedCertificates::Sources sources, const Authority* own = nullptr) {
    return {folder.disk, clock, own, std::move(sources)};
  }
  static std::string name_of(const SharedCertificate& certificate) {
    return certificate == nullptr ? "none" : certificate->names().front();
  }

  Folder folder, kept;
  FixedClock clock;
  Authority authority = *Authority::load_or_make(kept.disk, kept / "ca", day(0));
};

TEST_F(ServedTest, FilesAreServedByNameAndTheFirstIsTheDefault) {
  auto served = made({.files = {put("a", "a.test"), put("b", "*.b.test")}});
  ASSERT_TRUE(served.load());
  EXPECT_EQ(name_of(served.choose("a.test")), "a.test");
  EXPECT_EQ(name_of(served.choose("x.b.test")), "*.b.test");
  EXPECT_EQ(name_of(served.choose("elsewhere.test")), "a.test");
  EXPECT_EQ(name_of(served.choose("")), "a.test");
}

TEST_F(ServedTest, AFolderIsSearchedInTheWaysThatToolsKeepThem) {
  put("plain", "plain.test");
  for (const auto& [name, chain, key] : {std::tuple{"certbot", "fullchain.pem", "privkey.pem"},
                                         std::tuple{"secret", "tls.crt", "tls.key"}}) {
    ASSERT_TRUE(folder.disk.make_dirs(folder / name));
    const auto pem = *authority.issue_pem({std::string(name) + ".test"}, day(0));
    folder.put(std::string(name) + "/" + chain, pem.chain);
    folder.put(std::string(name) + "/" + key, pem.key);
  }
  folder.put("readme.txt", "no certificate");
  auto served = made({.folder = folder.path()});
  ASSERT_TRUE(served.load());
  for (const char* host : {"plain.test", "certbot.test", "secret.test"}) {
    EXPECT_EQ(name_of(served.choose(host)), host);
  }
  Folder empty;
  EXPECT_THAT(made({.folder = empty.path()}).load().error().message(),
              HasSubstr("holds no certificate with its key"));
}

TEST_F(ServedTest, AFaultAtStartIsAnErrorThatNamesTheFile) {
  const CertificateSource good = put("good", "a.test");
  const CertificateSource expired = put("expired", "a.test", -40);
  const auto fault = [&](const CertificateSource& files) {
    return made({.files = {good, files}}).load().error().message();
  };
  EXPECT_THAT(fault(expired), HasSubstr(expired.chain + ": the certificate expired at"));
  EXPECT_THAT(fault({folder / "absent.crt", good.key}), HasSubstr("absent.crt"));
  EXPECT_THAT(fault({good.chain, folder / "absent.key"}), HasSubstr("absent.key"));
  const std::string open = folder.put("open.key", *folder.disk.read_file(good.key, kib(64)), 0644);
  EXPECT_THAT(fault({good.chain, open}), HasSubstr("open.key: its mode 0644"));
}

TEST_F(ServedTest, AChangedFileIsTakenAndABrokenOneIsNot) {
  const CertificateSource files = put("a", "old.test");
  auto served = made({.files = {files}});
  ASSERT_TRUE(served.load());
  const SharedCertificate old = served.choose("old.test");
  EXPECT_EQ(served.look_for_changes().read, 0);

  folder.put("a.crt", "no certificate");
  const auto broken = served.look_for_changes();
  EXPECT_EQ(broken.read, 0);
  EXPECT_THAT(broken.faults, ElementsAre(HasSubstr("a.crt: holds no certificate")));
  EXPECT_EQ(served.choose("old.test"), old);
  EXPECT_THAT(served.look_for_changes().faults, testing::IsEmpty());  // said once

  put("a", "new.test");
  EXPECT_EQ(served.look_for_changes().read, 1);
  EXPECT_EQ(name_of(served.choose("new.test")), "new.test");
  EXPECT_EQ(served.choose("old.test"), served.choose("new.test"));  // by default

  ASSERT_TRUE(folder.disk.remove_file(files.chain));
  EXPECT_EQ(served.look_for_changes().faults.size(), 1u);
  EXPECT_EQ(name_of(served.choose("new.test")), "new.test");
}

TEST_F(ServedTest, AFolderMayGainAndLoseCertificates) {
  put("a", "a.test");
  auto served = made({.folder = folder.path()});
  ASSERT_TRUE(served.load());
  const CertificateSource second = put("b", "b.test");
  EXPECT_EQ(served.look_for_changes().read, 1);
  EXPECT_EQ(name_of(served.choose("b.test")), "b.test");
  ASSERT_TRUE(folder.disk.remove_file(second.chain));
  EXPECT_EQ(served.look_for_changes().read, 0);
  EXPECT_EQ(name_of(served.choose("b.test")), "a.test");
}

TEST_F(ServedTest, IssuedOnesComeAfterGivenOnes) {
  auto served = made({.files = {put("a", "a.test")}});
  ASSERT_TRUE(served.load());
  const auto issued =
      std::make_shared<const Certificate>(*authority.issue({"a.test", "c.test"}, day(0)));
  served.set_issued("c.test", issued);
  EXPECT_NE(served.choose("a.test"), issued);
  EXPECT_EQ(served.choose("c.test"), issued);
  EXPECT_TRUE(served.has_public("c.test"));
  served.remove_issued("c.test");
  EXPECT_FALSE(served.has_public("c.test"));
}

TEST_F(ServedTest, TheAuthorityStandsInForItsOwnNamesOnly) {
  auto served = made(
      {.files = {}, .authority_names = {"localhost", "127.0.0.1"}, .authority_below = "localhost"},
      &authority);
  ASSERT_TRUE(served.load());
  EXPECT_EQ(name_of(served.choose("localhost")), "localhost");
  EXPECT_EQ(name_of(served.choose("")), "localhost");
  EXPECT_EQ(name_of(served.choose("Demo.LOCALHOST")), "demo.localhost");
  EXPECT_EQ(name_of(served.choose("example.org")), "localhost");
  EXPECT_EQ(name_of(served.choose("*.localhost")), "localhost");
  EXPECT_EQ(name_of(served.choose(std::string(300, 'a') + ".localhost")), "localhost");
  const auto first = served.choose("demo.localhost");
  EXPECT_EQ(served.choose("demo.localhost"), first);
  clock.wall = day(25);
  EXPECT_NE(served.choose("demo.localhost"), first);  // made anew before its end
  for (int i = 0; i < 1100; ++i)
    EXPECT_NE(served.choose(std::to_string(i) + ".localhost"), nullptr);
}

}  // namespace
}  // namespace thaw::tls

// UrlSignatories: whose signatures signed URLs may carry: a service account's own keys', and the
// platform's, which signs for every account.
//
// Thread: the loop's. Owner: accounts and guard outlive it.
#pragma once

#include "identity/guard.h"
#include "identity/service_accounts.h"
#include "storage_api/signed_url.h"

namespace thaw::app {

class UrlSignatories final : public storage_api::Signatories {
 public:
  UrlSignatories(const identity::ServiceAccounts& accounts, const identity::Guard& guard)
      : accounts_(accounts), guard_(guard) {}

  Verdict judge(std::string_view account, std::string_view text,
                std::string_view signature) override {
    const auto verdict = accounts_.judge(account, text, signature);
    if (verdict == identity::ServiceAccounts::Verdict::kGood) return Verdict::kGood;
    if (guard_.key().verifies(text, signature)) return Verdict::kGood;
    return verdict == identity::ServiceAccounts::Verdict::kWrong ? Verdict::kWrong
                                                                 : Verdict::kUnknownAccount;
  }

 private:
  const identity::ServiceAccounts& accounts_;
  const identity::Guard& guard_;
};

}  // namespace thaw::app

// IsWanted: whether somebody still waits for what is being computed.
//
// Asked now and then by what takes long, which ends early once the answer is no; its result must
// not be looked at then. Thread: the asker's, maybe several at once. Owner: values.
#pragma once

#include <functional>

namespace thaw::predict {

/// Empty: it is wanted in any case.
using IsWanted = std::function<bool()>;

inline bool still(const IsWanted& is_wanted) { return !is_wanted || is_wanted(); }

}  // namespace thaw::predict

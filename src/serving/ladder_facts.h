// What is expected of one idle instance, from its revision's price list or, where that is empty
// yet, from what instances cost in general.
//
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include "base/bytes.h"
#include "sandbox/sandbox.h"
#include "scaling/gap_history.h"
#include "scaling/ladder.h"
#include "serving/events.h"

namespace thaw::serving {

scaling::Rung rung_of(Temperature temperature);

/// Fills what prices tell; id, idle time and wishes are the caller's.
scaling::IdleInstance expect(const scaling::PriceList& prices, ByteCount held,
                             Temperature temperature, sandbox::Sandbox::Hibernation hibernation);

/// What an idle instance of the revision costs while it is kept.
scaling::Resting resting(const scaling::PriceList& prices, scaling::IdleRung wish,
                         sandbox::Sandbox::Hibernation hibernation, Duration hibernate_after);

}  // namespace thaw::serving

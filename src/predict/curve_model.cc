#include "predict/curve_model.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace thaw::predict {
namespace {

constexpr double kTrendPriorScale = 5;  // of k and m

}  // namespace

CurveModel::CurveModel(const CurveProblem& problem)
    : in_(problem),
      rows_(problem.t.size()),
      bent_(problem.growth != Growth::kFlat),
      first_delta_(bent_ ? 2 : 1),
      first_beta_(first_delta_ + (bent_ ? problem.bends.size() : 0)) {
  using Kind = CoefficientPrior::Kind;
  CHECK(in_.y.size() == rows_ && in_.features.size() == rows_ * in_.kinds.size());
  CHECK(in_.growth != Growth::kLogistic || in_.cap.size() == rows_);
  priors_.assign(first_delta_, {Kind::kNormal, kTrendPriorScale});
  priors_.resize(first_beta_, {Kind::kLaplace, in_.bend_prior_scale});
  for (const CurveFeature& it : in_.kinds) priors_.push_back({Kind::kNormal, it.prior_scale});
}

bool CurveModel::is_linear() const {
  return in_.growth != Growth::kLogistic &&
         std::none_of(in_.kinds.begin(), in_.kinds.end(),
                      [](const CurveFeature& it) { return it.mode == TermMode::kMultiplicative; });
}

std::vector<double> CurveModel::start() const {
  std::vector<double> theta(size(), 0);
  if (is_linear()) return theta;  // needs no start
  if (bent_) theta[0] = in_.start_k;
  theta[first_delta_ - 1] = in_.start_m;
  return theta;
}

void CurveModel::set_trend(const std::vector<double>& theta, Curve& curve) const {
  const bool logistic = in_.growth == Growth::kLogistic;
  const double m = theta[first_delta_ - 1];
  double slope = bent_ ? theta[0] : 0, offset = logistic ? -slope * m : m;
  size_t next = 0;
  curve.trend.resize(rows_);
  curve.trend_slope.assign(rows_, 1);
  for (size_t i = 0; i < rows_; ++i) {
    while (bent_ && next < in_.bends.size() && in_.t[i] >= in_.bends[next]) {
      slope += theta[first_delta_ + next];
      offset -= theta[first_delta_ + next] * in_.bends[next];
      ++next;
    }
    const double line = slope * in_.t[i] + offset;
    if (!logistic) {
      curve.trend[i] = line;
      continue;
    }
    const double share = 1 / (1 + std::exp(-line));
    curve.trend[i] = in_.cap[i] * share;
    curve.trend_slope[i] = in_.cap[i] * share * (1 - share);
  }
}

double CurveModel::penalty(const std::vector<double>& theta) const {
  double sum = 0;
  for (size_t j = 0; j < theta.size(); ++j) {
    const double size = std::abs(theta[j]) / priors_[j].scale;
    sum += priors_[j].kind == CoefficientPrior::Kind::kNormal ? size * size / 2 : size;
  }
  return sum;
}

Curve CurveModel::curve_at(const std::vector<double>& theta) const {
  Curve curve;
  set_trend(theta, curve);
  curve.factor.assign(rows_, 1);
  curve.mean.assign(rows_, 0);
  for (size_t j = 0; j < in_.kinds.size(); ++j) {
    const double beta = theta[first_beta_ + j];
    if (beta == 0) continue;
    const double* x = &in_.features[j * rows_];
    auto& into = in_.kinds[j].mode == TermMode::kAdditive ? curve.mean : curve.factor;
    for (size_t i = 0; i < rows_; ++i) into[i] += beta * x[i];
  }
  double residual_sum = 0;
  for (size_t i = 0; i < rows_; ++i) {
    curve.mean[i] += curve.trend[i] * curve.factor[i];
    residual_sum += (in_.y[i] - curve.mean[i]) * (in_.y[i] - curve.mean[i]);
  }
  const auto rows = static_cast<double>(rows_);
  const double v = curve.variance =
      std::max(best_variance(rows, residual_sum), kSmallestCurveVariance);
  curve.objective = rows / 2 * std::log(v) + residual_sum / (2 * v) + 2 * v + penalty(theta);
  if (std::isnan(curve.objective)) curve.objective = INFINITY;
  return curve;
}

double CurveModel::line_slope(const std::vector<double>& theta, size_t j, size_t i) const {
  const bool logistic = in_.growth == Growth::kLogistic;
  if (j + 1 == first_delta_) return logistic ? -theta[0] : 1;
  if (j == 0) return in_.t[i] - (logistic ? theta[1] : 0);
  return std::max(in_.t[i] - in_.bends[j - first_delta_], 0.0);
}

void CurveModel::linearise(const std::vector<double>& theta, const Curve& curve,
                           RidgeLassoProblem& linear) const {
  linear.is_wanted = in_.is_wanted;
  linear.rows = rows_;
  linear.priors = priors_;
  linear.x.resize(rows_ * size());
  double* x = linear.x.data();
  for (size_t j = 0; j < first_beta_; ++j) {
    for (size_t i = 0; i < rows_; ++i) {
      *x++ = curve.trend_slope[i] * curve.factor[i] * line_slope(theta, j, i);
    }
  }
  for (size_t j = 0; j < in_.kinds.size(); ++j) {
    const double* feature = &in_.features[j * rows_];
    const bool additive = in_.kinds[j].mode == TermMode::kAdditive;
    for (size_t i = 0; i < rows_; ++i) *x++ = (additive ? 1 : curve.trend[i]) * feature[i];
  }
  linear.y = in_.y;
  for (size_t i = 0; i < rows_; ++i) linear.y[i] -= curve.mean[i];
  for (size_t j = 0; j < theta.size(); ++j) {
    if (theta[j] == 0) continue;
    const double* column = &linear.x[j * rows_];
    for (size_t i = 0; i < rows_; ++i) linear.y[i] += theta[j] * column[i];
  }
}

}  // namespace thaw::predict

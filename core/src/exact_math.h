// exp, sin and their like in double precision, the same bits on every machine.
//
// The C library's functions differ from one library to the next in the last
// bit, and with them would differ an activation natively and in a browser.
// These use +, -, * and / alone, which IEEE 754 rounds the same way everywhere.
//
// Errors are below 4 units in the last place of the double (erfc: 8 + x^2).
// Infinities and NaN give the mathematical limits.
#ifndef CONVSCOPE_SRC_EXACT_MATH_H_
#define CONVSCOPE_SRC_EXACT_MATH_H_

namespace convscope {

double ExactExp(double x);
// exp(x) - 1, exact for small x too.
double ExactExpm1(double x);
// log(x) for x that is no denormal number; NaN for x <= 0.
double ExactLog(double x);
// log(1 + x) for x >= 0, exact for small x too; NaN for x < 0.
double ExactLog1p(double x);
// For an angle from 0 to 2 pi.
double ExactSin(double angle);
double ExactCos(double angle);
double ExactTanh(double x);
// 1 - erf(x): twice the chance that a normal number of variance 1/2 is above x.
double ExactErfc(double x);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_EXACT_MATH_H_

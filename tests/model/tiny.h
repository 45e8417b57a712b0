// Configurations small enough for plain loops: every path of the network, a thousandth of its cost.
#pragma once

#include "model/config.h"

namespace cdsr {

inline CdsrConfig tiny_config(Body body, int scale) {
  CdsrConfig c;
  c.name = "tiny";
  c.scale = scale;
  c.nf = 8;
  c.gc = 8;
  c.blocks = 2;
  c.body = body;
  c.skip = body == Body::Rrdb ? Skip::None : Skip::Bicubic;
  c.query = body == Body::Rrdb ? Query::Frame : Query::Shot;
  c.lpe_nf = 4;
  c.lpe_input = body == Body::Rrdb    ? LpeInput::Rgb
                : body == Body::Plain ? LpeInput::Normalized
                                      : LpeInput::Statistics;
  if (body == Body::Stack) {
    c.experts = 3;
    c.sharp = true;
    c.colour = Colour::Luma;
  }
  c.codebook = 16;
  return c;
}

}  // namespace cdsr

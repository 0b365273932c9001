"use strict";
// Keys, copying and "new since": everything here only spares a hand. No act needs it.

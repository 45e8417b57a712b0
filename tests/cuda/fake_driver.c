/* What model/cuda/cuda.cpp asks of a driver before it opens the module: one that has a GPU. */
int cuInit(unsigned flags);
int cuDriverGetVersion(int* version);
int cuDeviceGetCount(int* count);

int cuInit(unsigned flags) {
  (void)flags;
  return 0;
}

int cuDriverGetVersion(int* version) {
  *version = 99000;
  return 0;
}

int cuDeviceGetCount(int* count) {
  *count = 1;
  return 0;
}

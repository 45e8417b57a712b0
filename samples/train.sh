#!/usr/bin/env bash
# Trains a small network on your own photographs or videos for a few minutes, draws its curves, upscales a picture.
#
#   samples/train.sh FOLDER [OUT]
#
#   FOLDER   photographs and videos, at least 96 pixels a side; a tenth of the photographs is held out
#   OUT      default: train-sample; run again to go on where it stopped
#
# STEPS   default 300: enough to see the loss fall, not to be good. The released weights took 43,500 (their model card)
# CDSR    the program (default: build/bin/cdsr)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cdsr=${CDSR:-$root/build/bin/cdsr}
if [[ $# -lt 1 || ! -d $1 ]]; then
  sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
folder=$1 out=${2:-train-sample}
if [[ ! -x $cdsr ]]; then
  echo "error: $cdsr is not there: build the project (cmake --preset release && cmake --build build) or set CDSR" >&2
  exit 1
fi

mkdir -p "$out/held-out" "$out/data"
# Links, so that the held-out pictures are not trained on.
number=0
while IFS= read -r -d '' file; do
  file=$(realpath "$file")
  case ${file,,} in
    *.png | *.jpg | *.jpeg | *.webp | *.tif | *.tiff | *.bmp)
      number=$((number + 1))
      if [[ $((number % 10)) -eq 1 ]]; then target=held-out; else target=data; fi
      ;;
    *) target=data ;;
  esac
  ln -sf "$file" "$out/$target/"
done < <(find "$folder" -type f -print0 | sort -z)

"$cdsr" train --recipe "$root/tools/train/recipes/cdsr-rt-video-x2.toml" \
  --data "$out/data" --validation "$out/held-out" --out "$out" \
  --iterations "${STEPS:-300}" --checkpoint-every 50 --validate-every 100 --progress 5
"$cdsr" report "$out/log.jsonl" --out "$out/report.html"
picture=$(find "$out/held-out" -type l | sort | head -1)
"$cdsr" upscale "$out/last.safetensors" "$picture" "$out/upscaled.png"
echo "curves: $out/report.html   picture: $out/upscaled.png   weights: $out/last.safetensors"

#!/usr/bin/env bash
# A live stream on this machine, from nothing: one process sends a clip at its frame rate as RTP, a second receives,
# upscales and encodes it, a third records that as MPEG-TS and HLS. Then: how many frames, how late, and does it play?
#
#   samples/live.sh            20 seconds of Debian's cockatoo.mp4 at 480x270, 25 frames a second, with a cut every 5 s
#   samples/live.sh --faults   the same with the sender killed, back in another size, and garbage on the line
#
# SECONDS_LIVE   how long (default 20)
# LIVE_SIZE      of the input (default 480x270)
# CDSR_OPTIONS   properties of the element (default "scale=2 deadline=80")
# CDSR_BUILD     build folder (default build-user)
# PORT           first of two UDP ports (default 5600)
# JOBS           compiler processes (default: one for each processor)
#
# Latency is from the sender's picture, before its encoder, to the upscaled one (`upscale`), and to the one that the recorder
# decoded (`record`). Every picture carries its time, see samples/live.c. Where a Chromium is installed it shows the HLS
# recording in a page; the screenshot lies beside it. From five minutes on the upscaler's memory must not grow.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath -m -- "${CDSR_BUILD:-$root/build-user}")
work=$build/samples/live
options=${CDSR_OPTIONS:-scale=2 deadline=80}
size=${LIVE_SIZE:-480x270}
seconds=${SECONDS_LIVE:-20}
port=${PORT:-5600}
jobs=${JOBS:-$(nproc)}
rate=25
scale=$(sed -n 's/.*\bscale=\([234]\).*/\1/p' <<<" $options")
scale=${scale:-2}
faults=0
pids=()

die() {
  echo "error: $*" >&2
  exit 1
}
case ${1:-} in
  -h | --help)
    sed -n '2,18s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  --faults) faults=1 ;;
  '') ;;
  *) die "no such option: $1" ;;
esac

number=0
steps=5
step() {
  number=$((number + 1))
  printf '\n== %d of %d: %s (%d s so far)\n' "$number" "$steps" "$*" "$SECONDS"
}
# shellcheck disable=SC2317  # called by the trap
end_all() {
  local pid
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
}
trap end_all EXIT
value() { sed -n "s/^$1=//p" "$work/$2.log" | tail -n 1; }

step "packages and the element"
"$root/tools/dev/setup/install.sh" gst
cd "$root"
[[ -f $build/build.ninja ]] || cmake --preset user -B "$build"
cmake --build "$build" --parallel "$jobs" --target gstcdsr cdsr_live
export GST_PLUGIN_PATH=$build/lib/gstreamer-1.0 GST_REGISTRY=$build/samples/gst-registry.bin
live=$build/bin/cdsr-live
mkdir -p "$work/pictures" "$work/hls"
rm -f "$work"/*.log "$work"/hls/*
# Registers the plugins once, before three processes want to.
gst-inspect-1.0 cdsr >/dev/null

step "the clip as pictures: two views of 1280x720, five seconds each"
if [[ ! -s $work/pictures/0249.jpg ]]; then
  if [[ ! -s $work/cockatoo.mp4 ]]; then
    # From the package, without installing it.
    rm -rf "$work/package" && mkdir "$work/package"
    (cd "$work/package" && apt-get -qq -o APT::Sandbox::User=root download python3-imageio && dpkg -x ./*.deb tree)
    cp "$(find "$work/package/tree" -name cockatoo.mp4 | head -n 1)" "$work/cockatoo.mp4"
    rm -rf "$work/package"
  fi
  view() { # FIRST PICTURE, CROP
    gst-launch-1.0 -q filesrc location="$work/cockatoo.mp4" ! decodebin ! videoconvert ! videorate ! \
      "video/x-raw,framerate=$rate/1" ! videocrop "${@:2}" ! videoscale ! "video/x-raw,width=960,height=540,pixel-aspect-ratio=1/1" ! \
      identity eos-after=126 ! videoconvert ! jpegenc quality=92 ! multifilesink index="$1" location="$work/pictures/%04d.jpg"
  }
  view 0 right=320 bottom=180
  view 125 left=320 top=180
  [[ -s $work/pictures/0249.jpg ]] || die "the clip gave fewer than 250 pictures"
fi
# videorate repeats the last one to the clip's end.
rm -f "$work"/pictures/02[5-9]?.jpg "$work"/pictures/0[3-9]??.jpg

step "live for $seconds s: $size -> cdsr $options"
send() { # SIZE SECONDS
  "$live" send "$work/pictures/%04d.jpg" "$1" "$rate" "$port" "$2" >>"$work/send.log" 2>&1 &
  sender=$!
  pids+=("$sender")
}
"$live" record $((port + 1)) "$work/hls" "$scale" >"$work/record.log" 2>&1 &
recorder=$!
"$live" upscale "$port" $((port + 1)) "$options" >"$work/upscale.log" 2>&1 &
upscaler=$!
pids+=("$recorder" "$upscaler")
for who in record upscale; do
  for _ in $(seq 300); do
    [[ -z $(value $who.ready $who) ]] || continue 2
    sleep 0.1
  done
  die "$who does not start: $(cat "$work/$who.log")"
done
# Ends a stream: SIGTERM, and what is under way comes out.
finish() { # NAME PROCESS
  kill -TERM "$2" 2>/dev/null || true
  wait "$2" || die "$1 failed: $(tail -n 20 "$work/$1.log")"
}
if [[ $faults -eq 0 ]]; then
  send "$size" "$seconds"
  wait "$sender" || die "the sender failed: $(cat "$work/send.log")"
else
  part=$((seconds / 4))
  send "$size" "$seconds"
  sleep "$part"
  echo "the sender is killed"
  kill -KILL "$sender"
  wait "$sender" 2>/dev/null || true
  sleep "$part"
  echo "another sender, 320x180"
  send 320x180 "$part"
  wait "$sender" || die "the second sender failed"
  echo "garbage, and the first size again"
  for _ in $(seq 50); do head -c 900 /dev/urandom >"/dev/udp/127.0.0.1/$port"; done
  send "$size" $((part - 1))
  for _ in $(seq 20); do
    head -c 900 /dev/urandom >"/dev/udp/127.0.0.1/$port"
    sleep 0.05
  done
  wait "$sender" || die "the third sender failed"
fi
sleep 1
finish upscale "$upscaler"
sleep 1
finish record "$recorder"
pids=()

step "does the recording play?"
"$live" check "$work/hls/recording.ts" "$scale" >"$work/check.log" 2>&1 || die "no: $(cat "$work/check.log")"
segments=$(grep -c '^segment' "$work/hls/index.m3u8") || die "the HLS playlist is empty"

sent=$(awk -F= '/^send.frames/ { n += $2 } END { print n }' "$work/send.log")
printf '\n%-10s %s\n' sent "$sent frames$([[ $faults -eq 0 ]] || echo ', and those of the one that was killed')"
printf '%-10s %s frames, latency first %s ms, p50 %s ms, p99 %s ms, most %s ms\n' upscaled \
  "$(value upscale.frames upscale)" "$(value upscale.latency_first_ms upscale)" "$(value upscale.latency_p50_ms upscale)" \
  "$(value upscale.latency_p99_ms upscale)" "$(value upscale.latency_max_ms upscale)"
printf '%-10s %s dropped before the element; %s packets lost before it, %s behind it\n' '' "$(value upscale.dropped upscale)" \
  "$(value upscale.packets_lost upscale)" "$(value record.packets_lost record)"
printf '%-10s %s of these late (interpolated), %s interpolated in all; %s shots, %s embeddings, %s hits\n' '' \
  "$(value cdsr.late-frames upscale)" "$(value cdsr.bicubic-frames upscale)" "$(value cdsr.shots upscale)" \
  "$(value cdsr.embeddings upscale)" "$(value cdsr.hits upscale)"
printf '%-10s %s frames, latency p50 %s ms, p99 %s ms\n' recorded "$(value record.frames record)" \
  "$(value record.latency_p50_ms record)" "$(value record.latency_p99_ms record)"
printf '%-10s %s frames decoded, %s HLS segments\n' plays "$(value check.frames check)" "$segments"
printf 'recording: %s\n' "$work/hls/recording.ts"
printf "upscaler's memory:\n"
sed -n 's/^upscale.memory=/  /p' "$work/upscale.log" | awk -v long=$((seconds >= 120)) '!long || NR % 6 == 0'

# Nothing may get lost between the sender and the recording; late frames are interpolated, not dropped.
if [[ $faults -eq 0 ]]; then
  [[ $(value upscale.dropped upscale) -eq 0 ]] || die "this machine is too slow, or too busy, for the stream"
  [[ $(value upscale.frames upscale) -eq $sent ]] || die "of $sent frames $(value upscale.frames upscale) were upscaled"
  [[ $(value check.frames check) -eq $sent ]] || die "of $sent frames $(value check.frames check) were recorded"
else
  [[ $(value upscale.sizes upscale) -ge 3 ]] || die "the change of size was not seen"
fi
# Of the second minute and the last one, the means.
if [[ $seconds -ge 300 ]]; then
  awk -F'[= ]' '/^upscale.memory=/ { kib[++n] = $4 }
    END {
      for (i = 0; i < 6; ++i) { early += kib[7 + i] / 6; late += kib[n - i] / 6 }
      printf "memory from the second minute to the last: %+.1f MiB\n", (late - early) / 1024
      exit late - early > 8192
    }' "$work/upscale.log" || die "the memory grows"
fi

step "the page"
chromium=$(command -v chromium || command -v chromium-headless-shell || true)
rm -f "$work/page.png"
if [[ $faults -ne 0 ]]; then
  echo "left out: browsers do not play a list whose pictures change their size"
elif [[ -n $chromium ]]; then
  python3 -B "$root/samples/live_page.py" "$work/hls" $((port + 2)) >"$work/http.log" 2>&1 &
  pids+=("$!")
  sleep 1
  timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --autoplay-policy=no-user-gesture-required \
    --timeout=60000 --window-size=960,600 --screenshot="$work/page.png" "http://127.0.0.1:$((port + 2))/" \
    >"$work/chromium.log" 2>&1 || die "the browser failed (log: $work/chromium.log)"
  # A page without a picture in it compresses to a few thousand bytes.
  [[ -s $work/page.png && $(stat -c %s "$work/page.png") -gt 60000 ]] || die "the page shows no picture: $work/page.png"
  echo "HLS plays in the browser: $work/page.png"
else
  echo "no Chromium here; to see it: python3 samples/live_page.py $work/hls 8000, then http://127.0.0.1:8000/"
fi

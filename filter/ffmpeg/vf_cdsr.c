/*
 * Copyright (c) 2026 The CDSR authors
 *
 * This file is made to be part of FFmpeg.
 *
 * FFmpeg is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 *
 * FFmpeg is distributed in the hope that it will be useful,
 * but WITHOUT ANY WARRANTY; without even the implied warranty of
 * MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the GNU
 * Lesser General Public License for more details.
 *
 * You should have received a copy of the GNU Lesser General Public
 * License along with FFmpeg; if not, write to the Free Software
 * Foundation, Inc., 51 Franklin Street, Fifth Floor, Boston, MA 02110-1301 USA
 */

/**
 * @file
 * Degradation-aware video super-resolution: an adapter to libcdsr. It maps options, log lines and frames; pixels
 * are libcdsr's business. One file for FFmpeg 5.1 to 9.0, added to a tree by add_to_ffmpeg.sh.
 */

#include <cdsr/cdsr.h>
#include <inttypes.h>

#include "libavutil/cpu.h"
#include "libavutil/dict.h"
#include "libavutil/hwcontext.h"
#include "libavutil/imgutils.h"
#include "libavutil/mem.h"
#include "libavutil/opt.h"
#include "libavutil/pixdesc.h"

#include "version.h"

#include "avfilter.h"
#include "filters.h"
#include "formats.h"
#if LIBAVFILTER_VERSION_INT < AV_VERSION_INT(10, 3, 100)
#include "internal.h"
#endif
#include "video.h"

/* hwcontext_cuda.h needs two opaque types and no more: no header of NVIDIA's, so one file for builds with CUDA and
 * without. */
#ifndef CUDA_VERSION
#define CUDA_VERSION 0
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
#endif
#include "libavutil/hwcontext_cuda.h"

/* FFmpeg 7.1 moved this member of a link. */
#if LIBAVFILTER_VERSION_INT < AV_VERSION_INT(10, 3, 100)
#define FRAMES_CONTEXT(link) ((link)->hw_frames_ctx)
#else
#define FRAMES_CONTEXT(link) (ff_filter_link(link)->hw_frames_ctx)
#endif

/* FFmpeg 8.0 moved a filter's public members into a struct of their own. */
#if LIBAVFILTER_VERSION_MAJOR >= 11
#define FILTER_TYPE FFFilter
#define PUBLIC(member) .p.member
#else
#define FILTER_TYPE AVFilter
#define PUBLIC(member) .member
#endif

enum { WARN_INTERLACED = 1, WARN_HDR = 2, WARN_NO_CUTS = 4 };

typedef struct CDSRContext {
    const AVClass *class;

    cdsr_options options; ///< of these, the members that cdsr/options.inc lists
    cdsr_session *session;
    AVBufferRef *device; ///< of CUDA frames: the session lives in its context, which nobody else may be left to keep
    unsigned warned; ///< WARN_*: what was said already
    int finished;    ///< the stream has ended or failed: a pass over a film is closed
} CDSRContext;

static int to_averror(int status)
{
    switch (status) {
    case CDSR_ERROR_INVALID_ARGUMENT: return AVERROR(EINVAL);
    case CDSR_ERROR_UNSUPPORTED:      return AVERROR(ENOTSUP);
    case CDSR_ERROR_OUT_OF_MEMORY:    return AVERROR(ENOMEM);
    case CDSR_ERROR_IO:               return AVERROR(EIO);
    case CDSR_ERROR_BAD_WEIGHTS:      return AVERROR_INVALIDDATA;
    default:                          return AVERROR_EXTERNAL;
    }
}

static void log_callback(void *opaque, int32_t level, const char *message)
{
    switch (level) {
    case CDSR_LOG_ERROR:   return; // the failed call's caller prints it
    case CDSR_LOG_WARNING: av_log(opaque, AV_LOG_WARNING, "%s\n", message); return;
    case CDSR_LOG_INFO:    av_log(opaque, AV_LOG_VERBOSE, "%s\n", message); return;
    default:               av_log(opaque, AV_LOG_DEBUG, "%s\n", message); return;
    }
}

/**
 * In a filter string "threads" is an option that every filter has: it does not reach ours, but the graph's count, as
 * -filter_threads does. Without either the graph counts one more thread than processors: libcdsr's default is right.
 */
static int thread_count(AVFilterContext *ctx)
{
    const CDSRContext *s = ctx->priv;
    const int graph = ff_filter_get_nb_threads(ctx);

    if (s->options.threads)
        return s->options.threads;
    return graph > av_cpu_count() ? 0 : FFMIN(graph, 256);
}

/** What the user chose, and libcdsr's defaults for what this filter does not offer. */
static int get_options(AVFilterContext *ctx, cdsr_options *options)
{
    const CDSRContext *s = ctx->priv;

    if (cdsr_options_default(options, CDSR_API_VERSION) < 0) {
        av_log(ctx, AV_LOG_ERROR, "libcdsr %s has API version %d, this filter needs %d\n", cdsr_version(),
               cdsr_api_version(), CDSR_API_VERSION);
        return AVERROR(EINVAL);
    }
#define CDSR_OPTION(kind, name, ...) options->name = s->options.name;
#define CDSR_LIVE_OPTION(...)
#include <cdsr/options.inc>
    return 0;
}

static void destroy_session(CDSRContext *s)
{
    cdsr_session_destroy(&s->session);
    av_buffer_unref(&s->device);
}

/**
 * Made once the frames' format is known: for CUDA frames it lives in their context, and making it earlier would leave a
 * context of its own on the GPU.
 */
static int create_session(AVFilterContext *ctx, AVBufferRef *device)
{
    CDSRContext *s = ctx->priv;
    void *cuda_context = device ? ((AVCUDADeviceContext *)((AVHWDeviceContext *)device->data)->hwctx)->cuda_ctx : NULL;
    cdsr_options options;
    int status, ret = get_options(ctx, &options);

    if (ret < 0)
        return ret;
    destroy_session(s);
    s->finished = 0;
    if (device && !(s->device = av_buffer_ref(device)))
        return AVERROR(ENOMEM);

    // Frames in the GPU's memory leave no choice.
    if (cuda_context && !strcmp(options.backend, "auto"))
        options.backend = "cuda";
    options.threads      = thread_count(ctx);
    options.cuda_context = cuda_context;
    options.log          = log_callback;
    options.log_opaque   = ctx;

    // Cheap when the graph is rebuilt in mid-stream: libcdsr keeps one copy of the weights for all sessions.
    status = cdsr_session_create(&s->session, NULL, &options);
    if (status < 0) {
        av_log(ctx, AV_LOG_ERROR, "%s\n", cdsr_last_error());
        return to_averror(status);
    }
    return 0;
}

/** Closes a pass over a film: its file is written, or was it for a longer one? */
static int finish(AVFilterContext *ctx)
{
    CDSRContext *s = ctx->priv;
    int status;

    if (s->finished || !s->session)
        return 0;
    s->finished = 1;
    status = cdsr_session_finish(s->session);
    if (status < 0) {
        av_log(ctx, AV_LOG_ERROR, "%s\n", cdsr_session_error(s->session));
        return to_averror(status);
    }
    return 0;
}

static int request_frame(AVFilterLink *outlink)
{
    AVFilterContext *ctx = outlink->src;
    int ret = ff_request_frame(ctx->inputs[0]), end;

    if (ret == AVERROR_EOF && (end = finish(ctx)) < 0)
        return end;
    return ret;
}

static av_cold void uninit(AVFilterContext *ctx)
{
    CDSRContext *s = ctx->priv;
    cdsr_stats stats = { .version = CDSR_API_VERSION };
    const int known = s->session && cdsr_session_get_stats(s->session, &stats) >= 0;

    // An output that wants no more frames (-t, -frames:v) ends the film without an end of the stream.
    if (known && s->options.pass == 1 && stats.bicubic_frames > 0)
        finish(ctx);
    if (known && stats.frames > 0)
        av_log(ctx, AV_LOG_INFO,
               "%"PRId64" frames, %"PRId64" shots, %"PRId64" embeddings, %.2f ms/frame (shots %.2f, embedding %.2f), "
               "%.1f %% copied, %s %s, %d threads\n",
               stats.frames, stats.shots, stats.embeddings, stats.total_ms / stats.frames,
               stats.shot_ms / stats.frames, stats.embed_ms / stats.frames,
               100 * stats.reused / stats.frames, stats.backend,
               cdsr_option_word("precision", stats.precision), stats.threads);
    if (known && stats.redone > 0)
        av_log(ctx, AV_LOG_INFO, "%"PRId64" frames upscaled again in fp32\n", stats.redone);
    destroy_session(s);
}

/** Frames of the same device, as large as the output; the session in the device's context and stream. */
static int config_cuda(AVFilterLink *outlink)
{
    AVFilterContext *ctx = outlink->src;
    AVBufferRef *in_ref = FRAMES_CONTEXT(ctx->inputs[0]);
    CDSRContext *s = ctx->priv;
    AVHWFramesContext *in, *out;
    AVCUDADeviceContext *device;
    AVBufferRef *out_ref;
    int ret, status;

    if (!in_ref) {
        av_log(ctx, AV_LOG_ERROR, "CUDA frames without a frames context\n");
        return AVERROR(EINVAL);
    }
    in = (AVHWFramesContext *)in_ref->data;
    device = in->device_ctx->hwctx;
    if (cdsr_format_from_name(av_get_pix_fmt_name(in->sw_format)) == CDSR_FORMAT_NONE) {
        av_log(ctx, AV_LOG_ERROR, "CUDA frames of %s are not supported\n", av_get_pix_fmt_name(in->sw_format));
        return AVERROR(ENOTSUP);
    }
    if (!(out_ref = av_hwframe_ctx_alloc(in->device_ref)))
        return AVERROR(ENOMEM);
    out = (AVHWFramesContext *)out_ref->data;
    out->format    = AV_PIX_FMT_CUDA;
    out->sw_format = in->sw_format;
    out->width     = outlink->w;
    out->height    = outlink->h;
    if ((ret = av_hwframe_ctx_init(out_ref)) < 0) {
        av_log(ctx, AV_LOG_ERROR, "no CUDA frames of %dx%d: %s\n", out->width, out->height, av_err2str(ret));
        av_buffer_unref(&out_ref);
        return ret;
    }
    av_buffer_unref(&FRAMES_CONTEXT(outlink));
    FRAMES_CONTEXT(outlink) = out_ref;

    if ((ret = create_session(ctx, in->device_ref)) < 0)
        return ret;
    status = cdsr_session_set_cuda_stream(s->session, device->stream);
    if (status < 0) {
        av_log(ctx, AV_LOG_ERROR, "%s\n", cdsr_session_error(s->session));
        return to_averror(status);
    }
    return 0;
}

static int config_output(AVFilterLink *outlink)
{
    AVFilterContext *ctx = outlink->src;
    AVFilterLink *inlink = ctx->inputs[0];
    const int scale = ((CDSRContext *)ctx->priv)->options.scale;

    if (inlink->w > INT_MAX / scale || inlink->h > INT_MAX / scale ||
        av_image_check_size2(inlink->w * scale, inlink->h * scale, INT64_MAX, outlink->format, 0, ctx) < 0) {
        av_log(ctx, AV_LOG_ERROR, "%dx%d is too large to be upscaled by %d\n", inlink->w, inlink->h, scale);
        return AVERROR(EINVAL);
    }
    outlink->w = inlink->w * scale;
    outlink->h = inlink->h * scale;
    outlink->sample_aspect_ratio = inlink->sample_aspect_ratio;
#if LIBAVFILTER_VERSION_MAJOR >= 11
    av_frame_side_data_remove_by_props(&outlink->side_data, &outlink->nb_side_data,
                                       AV_SIDE_DATA_PROP_SIZE_DEPENDENT);
#endif
    av_log(ctx, AV_LOG_VERBOSE, "%dx%d -> %dx%d %s\n", inlink->w, inlink->h, outlink->w, outlink->h,
           av_get_pix_fmt_name(outlink->format));
    return outlink->format == AV_PIX_FMT_CUDA ? config_cuda(outlink) : create_session(ctx, NULL);
}

static void warn_once(AVFilterContext *ctx, unsigned cause, const char *message)
{
    CDSRContext *s = ctx->priv;

    if (!(s->warned & cause))
        av_log(ctx, AV_LOG_WARNING, "%s\n", message);
    s->warned |= cause;
}

static void warn_of(AVFilterContext *ctx, const AVFrame *in)
{
    CDSRContext *s = ctx->priv;
#ifdef AV_FRAME_FLAG_INTERLACED
    const int interlaced = !!(in->flags & AV_FRAME_FLAG_INTERLACED);
#else
    const int interlaced = in->interlaced_frame;
#endif

    if (interlaced)
        warn_once(ctx, WARN_INTERLACED, "interlaced frames: combing would be magnified; deinterlace before this "
                  "filter, for example with bwdif");
    if (in->color_trc == AVCOL_TRC_SMPTE2084 || in->color_trc == AVCOL_TRC_ARIB_STD_B67)
        warn_once(ctx, WARN_HDR, "PQ or HLG transfer: the network was trained on SDR and sees the coded values as "
                  "they are");
    if (s->options.shots == CDSR_SHOTS_METADATA && !av_dict_get(in->metadata, "lavfi.scd.score", NULL, 0))
        warn_once(ctx, WARN_NO_CUTS, "shots=metadata, but the frames carry no lavfi.scd.* metadata: put scdet "
                  "before this filter");
}

static int is_jpeg_range_format(int format)
{
    return format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_YUVJ422P || format == AV_PIX_FMT_YUVJ444P;
}

static void wrap(cdsr_frame *frame, AVFrame *av)
{
    const AVHWFramesContext *cuda = av->hw_frames_ctx ? (AVHWFramesContext *)av->hw_frames_ctx->data : NULL;

    cdsr_frame_default(frame, CDSR_API_VERSION);
    frame->format = cdsr_format_from_name(av_get_pix_fmt_name(cuda ? cuda->sw_format : av->format));
    frame->memory = cuda ? CDSR_MEMORY_CUDA : CDSR_MEMORY_CPU;
    frame->width  = av->width;
    frame->height = av->height;
    for (int i = 0; i < 4; i++) {
        frame->plane[i]  = av->data[i];
        frame->stride[i] = av->linesize[i];
    }
    // libcdsr numbers these as FFmpeg does.
    frame->matrix          = av->colorspace;
    frame->range           = is_jpeg_range_format(av->format) ? CDSR_RANGE_FULL : av->color_range;
    frame->chroma_location = av->chroma_location;
}

static void remove_size_dependent_side_data(AVFrame *frame)
{
#if LIBAVFILTER_VERSION_MAJOR >= 11
    av_frame_side_data_remove_by_props(&frame->side_data, &frame->nb_side_data, AV_SIDE_DATA_PROP_SIZE_DEPENDENT);
#else
    av_frame_remove_side_data(frame, AV_FRAME_DATA_PANSCAN);
    av_frame_remove_side_data(frame, AV_FRAME_DATA_MOTION_VECTORS);
    av_frame_remove_side_data(frame, AV_FRAME_DATA_REGIONS_OF_INTEREST);
    av_frame_remove_side_data(frame, AV_FRAME_DATA_DETECTION_BBOXES);
#endif
}

static int set_metadata(AVFrame *frame, const cdsr_frame_info *info)
{
    char score[32], embed_ms[32], reused[32];
    int ret;

    snprintf(score, sizeof(score), "%.4f", info->score);
    snprintf(embed_ms, sizeof(embed_ms), "%.3f", info->embed_ms);
    snprintf(reused, sizeof(reused), "%.4f", info->reused);
    if ((ret = av_dict_set_int(&frame->metadata, "lavfi.cdsr.shot", info->shot, 0)) < 0 ||
        (ret = av_dict_set_int(&frame->metadata, "lavfi.cdsr.hit", info->hit, 0)) < 0 ||
        (ret = av_dict_set(&frame->metadata, "lavfi.cdsr.score", score, 0)) < 0 ||
        (ret = av_dict_set(&frame->metadata, "lavfi.cdsr.embed_ms", embed_ms, 0)) < 0 ||
        (ret = av_dict_set(&frame->metadata, "lavfi.cdsr.reused", reused, 0)) < 0)
        return ret;
    return 0;
}

static int upscale(AVFilterContext *ctx, AVFrame *out, AVFrame *in)
{
    CDSRContext *s = ctx->priv;
    cdsr_frame src, dst;
    cdsr_hints hints = { .version = CDSR_API_VERSION };
    cdsr_frame_info info = { .version = CDSR_API_VERSION };
    int ret, status;

    if ((ret = av_frame_copy_props(out, in)) < 0)
        return ret;
    remove_size_dependent_side_data(out);
    // What a decoder or crop has not cut off CUDA frames stays on them, as with FFmpeg's own filters: these, and the
    // link's size, are of whole frames.
    out->crop_top    = in->crop_top * s->options.scale;
    out->crop_bottom = in->crop_bottom * s->options.scale;
    out->crop_left   = in->crop_left * s->options.scale;
    out->crop_right  = in->crop_right * s->options.scale;

    wrap(&src, in);
    wrap(&dst, out);
    if (in->pts != AV_NOPTS_VALUE)
        hints.time = av_rescale_q(in->pts, ctx->inputs[0]->time_base, (AVRational){ 1, 1000000000 });
    hints.cut = !!av_dict_get(in->metadata, "lavfi.scd.time", NULL, 0);
    // Timeline: the geometry stays while the filter is disabled.
    status = ctx->is_disabled ? cdsr_session_bicubic(s->session, &src, &dst, &hints, &info)
                              : cdsr_session_process(s->session, &src, &dst, &hints, &info);
    if (status < 0) {
        s->finished = 1;
        av_log(ctx, AV_LOG_ERROR, "%s\n", cdsr_session_error(s->session));
        return to_averror(status);
    }
    // What was guessed for an untagged input would be guessed differently by a player from the larger output.
    out->colorspace      = dst.matrix;
    out->color_range     = dst.range;
    out->chroma_location = dst.chroma_location;
    return set_metadata(out, &info);
}

static int filter_frame(AVFilterLink *inlink, AVFrame *in)
{
    AVFilterContext *ctx = inlink->dst;
    const int scale = ((CDSRContext *)ctx->priv)->options.scale;
    AVFilterLink *outlink = ctx->outputs[0];
    // The frame's size, not the link's: they differ after scale=eval=frame, which configures nothing anew.
    AVFrame *out = ff_get_video_buffer(outlink, in->width * scale, in->height * scale);
    int ret;

    if (!out) {
        av_frame_free(&in);
        return AVERROR(ENOMEM);
    }
    warn_of(ctx, in);
    ret = upscale(ctx, out, in);
    av_frame_free(&in);
    if (ret < 0) {
        av_frame_free(&out);
        return ret;
    }
    return ff_filter_frame(outlink, out);
}

static int process_command(AVFilterContext *ctx, const char *cmd, const char *arg, char *res, int res_len, int flags)
{
    CDSRContext *s = ctx->priv;
    cdsr_options options;
    int ret = ff_filter_process_command(ctx, cmd, arg, res, res_len, flags);

    // The option has been checked and stored; which one it was does not matter. A session that is still to be made will
    // see it.
    if (ret < 0 || !s->session)
        return ret;
    if ((ret = get_options(ctx, &options)) < 0)
        return ret;
    ret = cdsr_session_set_options(s->session, &options);
    if (ret < 0) {
        av_log(ctx, AV_LOG_ERROR, "%s\n", cdsr_session_error(s->session));
        return to_averror(ret);
    }
    return 0;
}

/** Every format of FFmpeg's that libcdsr knows, frames in a GPU last. */
static int list_formats(AVFilterFormats **formats)
{
    const AVPixFmtDescriptor *desc = NULL;
    int ret;

    while ((desc = av_pix_fmt_desc_next(desc)))
        if (cdsr_format_from_name(desc->name) != CDSR_FORMAT_NONE &&
            (ret = ff_add_format(formats, av_pix_fmt_desc_get_id(desc))) < 0)
            return ret;
    return ff_add_format(formats, AV_PIX_FMT_CUDA);
}

#ifdef FILTER_QUERY_FUNC2
#define QUERY_FORMATS FILTER_QUERY_FUNC2(query_formats)
static int query_formats(const AVFilterContext *ctx, AVFilterFormatsConfig **in, AVFilterFormatsConfig **out)
{
    AVFilterFormats *formats = NULL;
    const int ret = list_formats(&formats);

    return ret < 0 ? ret : ff_set_common_formats2(ctx, in, out, formats);
}
#else
#define QUERY_FORMATS FILTER_QUERY_FUNC(query_formats)
static int query_formats(AVFilterContext *ctx)
{
    AVFilterFormats *formats = NULL;
    const int ret = list_formats(&formats);

    return ret < 0 ? ret : ff_set_common_formats(ctx, formats);
}
#endif

#define OFFSET(x) offsetof(CDSRContext, options.x)
#define FIXED (AV_OPT_FLAG_FILTERING_PARAM | AV_OPT_FLAG_VIDEO_PARAM)
#define RUNTIME (FIXED | AV_OPT_FLAG_RUNTIME_PARAM)
#define ROW_INT(name, value, low, high, flags, help) \
    { #name, help, OFFSET(name), AV_OPT_TYPE_INT, { .i64 = value }, low, high, flags },
#define ROW_FLOAT(name, value, low, high, flags, help) \
    { #name, help, OFFSET(name), AV_OPT_TYPE_DOUBLE, { .dbl = value }, low, high, flags },
#define ROW_WORDS(name, value, low, high, flags, help) \
    { #name, help, OFFSET(name), AV_OPT_TYPE_INT, { .i64 = value }, low, high, flags, .unit = #name },
#define ROW_TEXT(name, value, low, high, flags, help) \
    { #name, help, OFFSET(name), AV_OPT_TYPE_STRING, { .str = value }, low, high, flags },
#define ROW_FLAG(name, value, low, high, flags, help) \
    { #name, help, OFFSET(name), AV_OPT_TYPE_BOOL, { .i64 = value }, low, high, flags },

// Live streams are the business of hosts with a clock.
static const AVOption cdsr_options_table[] = {
#define CDSR_OPTION(kind, name, since, value, low, high, change, help) ROW_##kind(name, value, low, high, change, help)
#define CDSR_LIVE_OPTION(...)
#define CDSR_WORD(option, word, value, help) \
    { word, help, 0, AV_OPT_TYPE_CONST, { .i64 = value }, 0, 0, FIXED, .unit = #option },
#include <cdsr/options.inc>
    { NULL }
};

static const AVClass cdsr_class = {
    .class_name = "cdsr",
    .item_name  = av_default_item_name,
    .option     = cdsr_options_table,
    .version    = LIBAVUTIL_VERSION_INT,
    .category   = AV_CLASS_CATEGORY_FILTER,
};

static const AVFilterPad inputs[] = {
    {
        .name         = "default",
        .type         = AVMEDIA_TYPE_VIDEO,
        .filter_frame = filter_frame,
    },
};

static const AVFilterPad outputs[] = {
    {
        .name          = "default",
        .type          = AVMEDIA_TYPE_VIDEO,
        .config_props  = config_output,
        .request_frame = request_frame,
    },
};

const FILTER_TYPE ff_vf_cdsr = {
    PUBLIC(name)        = "cdsr",
    PUBLIC(description) = NULL_IF_CONFIG_SMALL("Upscale video of unknown quality with a neural network (CDSR)."),
    PUBLIC(priv_class)  = &cdsr_class,
    PUBLIC(flags)       = AVFILTER_FLAG_SUPPORT_TIMELINE_INTERNAL,
    .flags_internal     = FF_FILTER_FLAG_HWFRAME_AWARE,
    .priv_size          = sizeof(CDSRContext),
    .uninit             = uninit,
    .process_command    = process_command,
    FILTER_INPUTS(inputs),
    FILTER_OUTPUTS(outputs),
    QUERY_FORMATS,
};

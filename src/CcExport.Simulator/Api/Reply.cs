using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CcExport.Simulator.Api;

internal static class Reply
{
    public const string ThrottledBody = """{"error_key":"throttled","error_message":"Too Many Requests"}""";

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes under the simulation's lock into a buffer, and sends outside of it: a slow reader holds nobody up.</summary>
    public static Task Json(HttpContext context, Simulation simulation, int status, Action<JsonOut> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        lock (simulation.Gate)
        {
            using var writer = new Utf8JsonWriter(buffer, Relaxed);
            write(new JsonOut(writer, simulation.Switches));
        }

        return Send(context, status, "application/json", buffer.WrittenMemory);
    }

    public static Task Send(HttpContext context, int status, string type, ReadOnlyMemory<byte> body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    public static Task Error(HttpContext context, Simulation simulation, ApiException error)
    {
        BodyForm form = error.Form
            ?? (error.Status == 403 ? simulation.Switches.ForbiddenBody : simulation.Switches.ErrorBody);
        return Json(context, simulation, error.Status, json =>
        {
            if (form == BodyForm.Array) json.Writer.WriteStartArray();
            json.Object(() =>
            {
                if (form == BodyForm.Gateway)
                {
                    json.Text("message", error.Status == 403 ? "Forbidden" : error.Message);
                    return;
                }

                json.Text("error_key", error.Key);
                json.Text("error_message", error.Message);
            });
            if (form == BodyForm.Array) json.Writer.WriteEndArray();
        });
    }
}

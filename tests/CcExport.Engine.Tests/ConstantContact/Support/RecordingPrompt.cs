using CcExport.Engine.ConstantContact.SignIn;

namespace CcExport.Engine.Tests.ConstantContact.Support;

/// <summary>A person and a browser, played by a test.</summary>
internal sealed class RecordingPrompt : ISignInPrompt
{
    public List<(string Code, Uri Where, Uri? Complete, DateTimeOffset Until)> Codes { get; } = [];
    public List<Uri> Shown { get; } = [];
    /// <summary>What the browser does with the address; null: there is no browser.</summary>
    public Func<Uri, Task<bool>>? Browser { get; set; }
    public Action<Uri>? WhenShown { get; set; }

    public void ShowDeviceCode(string userCode, Uri verificationUri, Uri? verificationUriComplete, DateTimeOffset expiresAt)
        => Codes.Add((userCode, verificationUri, verificationUriComplete, expiresAt));

    public Task<bool> OpenBrowserAsync(Uri address, CancellationToken ct) => Browser?.Invoke(address) ?? Task.FromResult(false);

    public void ShowAddress(Uri address)
    {
        Shown.Add(address);
        WhenShown?.Invoke(address);
    }
}

# The script that an administrator writes today, kept as the thing to be better than: rows, a set of addresses, batches, JSON, a web request.
param([string] $Csv, [string] $Api, [string] $Token, [string] $ListId)
$ErrorActionPreference = 'Stop'
$headers = @{ Authorization = "Bearer $Token" }
$seen = [Collections.Generic.HashSet[string]]::new([StringComparer]::OrdinalIgnoreCase)
$batch = [Collections.Generic.List[object]]::new()
$sent = 0
function Send {
    $body = @{ import_data = $batch; list_ids = @($ListId) } | ConvertTo-Json -Compress -Depth 4
    $null = Invoke-RestMethod "$Api/activities/contacts_json_import" -Method Post -Headers $headers -ContentType 'application/json; charset=utf-8' -Body ([Text.Encoding]::UTF8.GetBytes($body))
    $batch.Clear()
}
Import-Csv $Csv | ForEach-Object {
    $email = $_.EMail.Trim()
    if ($email -match '^[^@\s,]+@[^@\s,]+\.[^@\s,.]+$' -and $seen.Add($email)) {
        $batch.Add(@{ email = $email; first_name = $_.FirstName; last_name = $_.LastName })
        $sent++
        # 4 MB is the service's limit; at this many rows of this kind a script stays under it.
        if ($batch.Count -eq 35000) { Send }
    }
}
if ($batch.Count) { Send }
$me = [Diagnostics.Process]::GetCurrentProcess()
"{`"cpu`":$($me.TotalProcessorTime.TotalSeconds),`"wall`":$(([datetime]::Now - $me.StartTime).TotalSeconds),`"peakMB`":$($me.PeakWorkingSet64 / 1e6),`"sent`":$sent}"

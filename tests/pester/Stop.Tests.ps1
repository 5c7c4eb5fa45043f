BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Csv = Join-Path $Folder 'customers.csv'
    $writer = [IO.StreamWriter]::new($Csv)
    $writer.WriteLine('CustomerId,EMail,FirstName')
    foreach ($i in 1..300000) { $writer.WriteLine("$i,s$i@example.com,N$i") }
    $writer.Dispose()

    # Starts a script in a runspace of this process, waits, stops it as Ctrl+C does, and measures that.
    function Stop-After([string] $Script, [int] $Milliseconds) {
        $shell = [powershell]::Create()
        $null = $shell.AddScript("`$ErrorActionPreference = 'Stop'; Import-Module '$Manifest'; $Script")
        $started = $shell.BeginInvoke()
        Start-Sleep -Milliseconds $Milliseconds
        $early = $started.IsCompleted
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $shell.Stop()
        $seconds = $clock.Elapsed.TotalSeconds
        $answer = [pscustomobject]@{ Early = $early; Seconds = $seconds; Errors = @($shell.Streams.Error); State = $shell.InvocationStateInfo.State }
        $shell.Dispose()
        $answer
    }
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe 'Ctrl+C' {
    It 'ends <What> within a second, without an error' -ForEach @(
        @{ What = 'reading'; Wait = 600; Script = { Get-CcProfile -Path $Csv | ForEach-Object { $_.EMail } } }
        @{ What = 'a run'; Wait = 1500; Script = { Invoke-CcExport -Path $Csv -Connection Simulator -ListId $Id -Map @{ email = 'EMail' } -BatchSize 2000 } }
        @{ What = 'a run of piped objects'; Wait = 1500; Script = { Import-Csv $Csv | Invoke-CcExport -Connection Simulator -ListId $Id -Map @{ email = 'EMail' } } }
        @{ What = 'a run whose objects are slow to come'; Wait = 1500; Script = { & { 1..100 | ForEach-Object { [pscustomobject]@{ EMail = "slow$_@example.com" }; Start-Sleep 1 } } | Invoke-CcExport -Connection Simulator -ListId $Id -Map @{ email = 'EMail' } } }
    ) {
        $text = "$Script".Replace('$Csv', "'$Csv'").Replace('$Id', "'$($Simulator.ListId)'")
        $stopped = Stop-After $text $Wait
        $stopped.Early | Should -BeFalse -Because 'it must have had work to do'
        $stopped.Seconds | Should -BeLessThan 1
        $stopped.Errors | Should -BeNullOrEmpty
    }

    It 'leaves the run interrupted, and the next invocation ends it' {
        Set-CcExport Large -Connection Simulator -ListId $Simulator.ListId -Path $Csv -Map @{ email = 'EMail' } -BatchSize 20000
        $stopped = Stop-After 'Invoke-CcExport Large' 3000
        $stopped.Early | Should -BeFalse
        $run = Get-CcRun -Export Large -Last 1
        $run.Status | Should -BeIn 'Interrupted', 'Canceled', 'Failed'
        $run = Invoke-CcExport Large -WarningAction SilentlyContinue
        $run.Status | Should -Be 'Completed'
        $run.Sent, $run.Accepted | Should -Be 300000, 300000
    }
}

Describe 'The end of PowerShell' {
    It 'ends its simulators: <How>' -ForEach @(
        @{ How = 'killed'; Then = 'Stop-Process -Id $PID -Force' }
        @{ How = 'at its normal end'; Then = '' }
    ) {
        $file = Join-Path $Folder "$How.txt".Replace(' ', '-')
        try { Invoke-Child "Import-Module '$Manifest'; (Start-CcSimulator).ProcessId | Set-Content '$file'; $Then" } catch { }
        $id = [int] (Get-Content $file)
        foreach ($try in 1..30) {
            $process = Get-Process -Id $id -ErrorAction Ignore
            if (-not $process -or $process.HasExited) { break }
            Start-Sleep -Milliseconds 100
        }
        $left = Get-Process -Id $id -ErrorAction Ignore
        if ($left -and (Test-Path "/proc/$id/stat")) { $left = (Get-Content "/proc/$id/stat") -notmatch '\) Z ' | Where-Object { $_ } }
        $left | Should -BeNullOrEmpty
    }
}

import { Button, View } from '@tarojs/components'
import { useEffect, useState } from 'react'

import { login, logout, onChange, request } from '../../login'

export default function Index() {
  const [user, setUser] = useState(null)
  const [message, setMessage] = useState('')

  const call = async () => setUser((await request({ url: '/session' })).data.user)

  // `error` is a stable name, `message` a sentence.
  const show = async (action) => {
    setMessage('')
    try {
      await action()
    } catch (error) {
      setMessage(`${error.error}: ${error.message}`)
    }
  }

  useEffect(() => {
    const stop = onChange(setUser)
    // The first request logs in.
    show(call)
    return stop
  }, [])

  return (
    <View className='page'>
      <View className='user'>{user ? user.id : '未登录'}</View>
      {message && <View className='message'>{message}</View>}
      <Button className='call' onClick={() => show(call)}>调用受保护的接口</Button>
      <Button className='in' onClick={() => show(login)}>重新登录</Button>
      <Button className='out' onClick={() => show(logout)}>退出登录</Button>
    </View>
  )
}
